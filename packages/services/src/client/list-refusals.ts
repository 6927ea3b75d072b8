import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { type PageInput, pageSizeMax } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import { actionFor } from "../refusal-action.ts";
import type { Page, RefusalView } from "../views.ts";

/** $1 client, $2 and $3 the cursor. */
const readRefusals = {
  name: "refusals",
  text: `
    select id, at, code, detail, protocol, target_host as "targetHost", target_port as "targetPort" from proxy_refusal
     where client_id = $1 and (at, id) < ($2, $3) order by at desc, id desc limit ${pageSizeMax + 1}`,
};

/** Requests of this client that were not carried, newest first, each with what to do about it. */
export async function listRefusals(ctx: ServiceContext, input: PageInput): Promise<Page<RefusalView>> {
  const { clientId } = requireClient(ctx);
  const { at, id } = readTimeCursor(input.cursor);
  const rows = await ctx.statements.query<Omit<RefusalView, "action">>(readRefusals, [clientId, at, id]);
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.at, row.id),
    (row) => ({ ...row, action: actionFor(row.code) }),
  );
}
