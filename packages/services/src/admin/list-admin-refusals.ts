import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { pageSizeMax, type SearchPageInput } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import { actionFor } from "../refusal-action.ts";
import type { AdminRefusalView, Page } from "../views.ts";

const columns = `
  r.id, r.at, r.code, r.detail, r.protocol, r.target_host as "targetHost", r.target_port as "targetPort",
  r.client_address as "clientAddress", o.email as "clientEmail", u.username as "proxyUsername"
  from proxy_refusal as r
  left join client as c on c.id = r.client_id
  left join user_account as o on o.id = c.user_id
  left join proxy_user as u on u.id = r.proxy_user_id`;
const order = `order by r.at desc, r.id desc limit ${pageSizeMax + 1}`;

/** $1 and $2 the cursor. */
const readRefusals = { name: "admin-refusals", text: `select ${columns} where (r.at, r.id) < ($1, $2) ${order}` };
/** $3 a code, an address, an e-mail or a proxy user: each as a whole. */
const findRefusals = {
  name: "admin-refusals-found",
  text: `select ${columns} where (r.at, r.id) < ($1, $2) and $3 in (r.code, r.client_address, o.email, u.username) ${order}`,
};
/** $1 a request id. */
const readRefusal = { name: "admin-refusal", text: `select ${columns} where r.id = $1` };

const requestIdPattern = /^ses_/;

/** Requests that were not carried, of everybody and of nobody known, newest first. */
export async function listAdminRefusals(ctx: ServiceContext, input: SearchPageInput): Promise<Page<AdminRefusalView>> {
  requireAdmin(ctx);
  const { at, id } = readTimeCursor(input.cursor);
  const search = input.search ?? "";
  const query = (statement: { name: string; text: string }, values: unknown[]) =>
    ctx.statements.query<Omit<AdminRefusalView, "action">>(statement, values);
  const rows = requestIdPattern.test(search)
    ? await query(readRefusal, [search])
    : await (search === "" ? query(readRefusals, [at, id]) : query(findRefusals, [at, id, search]));
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.at, row.id),
    (row) => ({ ...row, action: actionFor(row.code) }),
  );
}
