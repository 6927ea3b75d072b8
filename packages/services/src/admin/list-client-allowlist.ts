import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import { proxyUsersMax } from "../client/create-proxy-user.ts";
import type { ServiceContext } from "../context.ts";
import type { ClientAllowlistInput } from "../inputs/allowlist.ts";
import type { AllowlistEntryView, ClientAllowlistView } from "../views.ts";

const entriesMax = 200;

/** $1 client. Blocks first, the widest of them first. */
const readEntries = {
  name: "allowlist-of-client",
  text: `
    select id, proxy_user_id as "proxyUserId", abbrev(cidr) as block, default_parameters as "defaultParameters", created_at as "createdAt"
      from allowlist_entry where client_id = $1
     order by case family(cidr) when 4 then 32 else 128 end - masklen(cidr) desc, created_at desc, id desc limit ${entriesMax}`,
};

/** The proxy users of a client and the first 200 entries of its allowlist. NOT_FOUND when the user is no client. */
export async function listClientAllowlist(ctx: ServiceContext, { userId }: ClientAllowlistInput): Promise<ClientAllowlistView> {
  requireAdmin(ctx);
  const client = await ctx.database.client.findUnique({
    where: { userId },
    select: { id: true, proxyUsers: { select: { id: true, username: true }, orderBy: { username: "asc" }, take: proxyUsersMax } },
  });
  if (client === null) throw new AppError("NOT_FOUND", "There is no such client.");
  const entries = await ctx.statements.query<AllowlistEntryView>(readEntries, [client.id]);
  return { proxyUsers: client.proxyUsers, entries };
}
