import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PageInput } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { OrderView, Page } from "../views.ts";

/** Newest first. */
export async function listOrders(ctx: ServiceContext, input: PageInput): Promise<Page<OrderView>> {
  const { clientId } = requireClient(ctx);
  const limit = pageSize(input);
  const { at, id } = readTimeCursor(input.cursor);
  const rows = await ctx.database.order.findMany({
    where: { clientId, OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: id } }] },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    take: limit + 1,
    select: {
      id: true,
      createdAt: true,
      bytes: true,
      amountMicroUsd: true,
      status: true,
      payments: { select: { provider: true }, take: 1 },
    },
  });
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.createdAt, row.id),
    ({ payments, ...row }) => ({ ...row, provider: payments[0]?.provider ?? null }),
  );
}
