import { AppError, checkAddress } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import { allowlistEntriesMax } from "../allowlist/insert-entry.ts";
import { addressHere, listShownAddresses } from "../allowlist/shown-addresses.ts";
import type { ServiceContext } from "../context.ts";
import type { ProxyUserIdInput } from "../inputs/client.ts";
import type { AllowlistEntryView, AllowlistView } from "../views.ts";

/** $1 proxy user, $2 client. No row when it is not the client's; a row without an entry when nothing is listed. */
const readEntries = {
  name: "allowlist-of-proxy-user",
  text: `
    select e.id, p.id as "proxyUserId", abbrev(e.cidr) as block, e.default_parameters as "defaultParameters", e.created_at as "createdAt"
      from proxy_user p left join allowlist_entry e on e.proxy_user_id = p.id
     where p.id = $1 and p.client_id = $2 order by e.created_at desc, e.id desc limit ${allowlistEntriesMax}`,
};

type Row = { readonly [Key in keyof AllowlistEntryView]: AllowlistEntryView[Key] | null };

/** What a proxy user has listed, newest first, and what its client could list by itself now. NOT_FOUND. */
export async function listAllowlist(ctx: ServiceContext, { id }: ProxyUserIdInput): Promise<AllowlistView> {
  const { clientId } = requireClient(ctx);
  const rows = await ctx.statements.query<Row>(readEntries, [id, clientId]);
  if (rows.length === 0) throw new AppError("NOT_FOUND", "There is no such proxy user.");
  const entries = rows.filter((row): row is AllowlistEntryView => row.id !== null);
  const isPublic = (address: string): boolean => checkAddress(address, ctx.sourceAllow).kind === "allowed";
  const here = addressHere(ctx);
  const shown = await listShownAddresses(ctx, clientId);
  return { entries, here: here === null ? null : { address: here, isPublic: isPublic(here) }, shown: shown.filter(isPublic) };
}
