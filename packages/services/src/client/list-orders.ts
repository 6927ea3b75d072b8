import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { type PageInput, pageSizeMax } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { OrderView, Page } from "../views.ts";

/** $1 client, $2 and $3 the cursor. */
const readOrders = {
  name: "orders",
  text: `
    select o.id, o.created_at as "createdAt", o.bytes, o.amount_micro_usd as "amountMicroUsd", o.status::text as status,
           (select provider::text from payment where order_id = o.id order by created_at desc, id desc limit 1) as provider
      from client_order o
     where o.client_id = $1 and (o.created_at, o.id) < ($2, $3)
     order by o.created_at desc, o.id desc limit ${pageSizeMax + 1}`,
};

/** Newest first. */
export async function listOrders(ctx: ServiceContext, input: PageInput): Promise<Page<OrderView>> {
  const { clientId } = requireClient(ctx);
  const { at, id } = readTimeCursor(input.cursor);
  const rows = await ctx.statements.query<OrderView>(readOrders, [clientId, at, id]);
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.createdAt, row.id),
    (row) => row,
  );
}
