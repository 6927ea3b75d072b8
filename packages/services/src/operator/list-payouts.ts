import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PageInput } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import { newestFirst, olderThan, payoutColumns, showPayout } from "../payouts/payout-row.ts";
import type { PayoutView } from "../money-views.ts";
import type { Page } from "../views.ts";

/** The operator's own, newest first. */
export async function listPayouts(ctx: ServiceContext, input: PageInput): Promise<Page<PayoutView>> {
  const { operatorId } = requireOperator(ctx);
  const limit = pageSize(input);
  const rows = await ctx.database.payout.findMany({
    where: { operatorId, ...olderThan(readTimeCursor(input.cursor)) },
    orderBy: newestFirst,
    take: limit + 1,
    select: payoutColumns,
  });
  return toPage(rows, limit, (row) => writeTimeCursor(row.createdAt, row.id), showPayout);
}
