import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { AdminPayoutsInput } from "../inputs/payouts.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import { newestFirst, olderThan, payoutColumns, showPayout } from "../payouts/payout-row.ts";
import type { AdminPayoutView } from "../money-views.ts";
import type { Page } from "../views.ts";

const email = { select: { email: true } } as const;

/** Payouts of all operators, newest first; all that are open when no state is asked for. */
export async function listAdminPayouts(ctx: ServiceContext, input: AdminPayoutsInput): Promise<Page<AdminPayoutView>> {
  const { userId } = requireAdmin(ctx);
  const limit = pageSize(input);
  const rows = await ctx.database.payout.findMany({
    where: { status: input.status ?? { in: ["requested", "checked", "sent"] }, ...olderThan(readTimeCursor(input.cursor)) },
    orderBy: newestFirst,
    take: limit + 1,
    select: {
      ...payoutColumns,
      batchId: true,
      checkedBy: true,
      operator: { select: { user: email } },
      checker: email,
      sender: email,
      settler: email,
    },
  });
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.createdAt, row.id),
    (row) => ({
      ...showPayout(row),
      operatorEmail: row.operator.user.email,
      batchId: row.batchId,
      checkedByEmail: row.checker?.email ?? null,
      sentByEmail: row.sender?.email ?? null,
      settledByEmail: row.settler?.email ?? null,
      isCheckedByMe: row.checkedBy === userId,
    }),
  );
}
