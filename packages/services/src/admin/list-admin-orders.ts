import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { AdminOrdersInput } from "../inputs/admin.ts";
import { pageSizeMax } from "../inputs/common.ts";
import { containing, pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import { orderColumns, showOrder, type OrderRow } from "../payments/order-rows.ts";
import type { AdminOrderView, Page } from "../views.ts";

/** $1 and $2 the cursor, $3 a state or null, $4 a search pattern or null. */
const readOrders = {
  name: "admin-orders",
  text: `
    select ${orderColumns}, u.email as "clientEmail"
      from client_order o join client c on c.id = o.client_id join user_account u on u.id = c.user_id
     where (o.created_at, o.id) < ($1, $2) and ($3::text is null or o.status::text = $3)
       and ($4::text is null or o.id ilike $4 or o.number::text ilike $4 or u.email ilike $4
            or exists (select from payment p where p.order_id = o.id and p.provider_ref ilike $4))
     order by o.created_at desc, o.id desc limit ${pageSizeMax + 1}`,
};

/** Newest first, of all clients; found by id, number, mail address and the provider's reference. */
export async function listAdminOrders(ctx: ServiceContext, input: AdminOrdersInput): Promise<Page<AdminOrderView>> {
  requireAdmin(ctx);
  const { at, id } = readTimeCursor(input.cursor);
  const search = input.search === undefined || input.search === "" ? null : containing(input.search);
  const rows = await ctx.statements.query<OrderRow & { clientEmail: string }>(readOrders, [at, id, input.status ?? null, search]);
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.createdAt, row.id),
    (row) => ({
      ...showOrder(row, ctx.now()),
      clientEmail: row.clientEmail,
      refundedBy: ctx.payments.find(row.provider)?.refundedBy ?? null,
    }),
  );
}
