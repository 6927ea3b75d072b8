import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { type PageInput, pageSizeMax } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import { orderColumns, showOrder, type OrderRow } from "../payments/order-rows.ts";
import type { OrderView, Page } from "../views.ts";

/** $1 client, $2 and $3 the cursor. */
const readOrders = {
  name: "orders",
  text: `
    select ${orderColumns} from client_order o
     where o.client_id = $1 and (o.created_at, o.id) < ($2, $3)
     order by o.created_at desc, o.id desc limit ${pageSizeMax + 1}`,
};

/** Newest first. */
export async function listOrders(ctx: ServiceContext, input: PageInput): Promise<Page<OrderView>> {
  const { clientId } = requireClient(ctx);
  const { at, id } = readTimeCursor(input.cursor);
  const rows = await ctx.statements.query<OrderRow>(readOrders, [clientId, at, id]);
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.createdAt, row.id),
    (row) => showOrder(row, ctx.now()),
  );
}
