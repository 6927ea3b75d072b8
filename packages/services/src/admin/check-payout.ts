import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PayoutIdInput } from "../inputs/payouts.ts";
import { advancePayouts } from "../payouts/advance-payouts.ts";
import { transact } from "../transaction.ts";

/** The first of two people says that amount, holder and destination are right. NOT_FOUND, STATE_CONFLICT. */
export async function checkPayout(ctx: ServiceContext, input: PayoutIdInput): Promise<void> {
  const { userId } = requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    await advancePayouts(tx, [input.id], { from: ["requested"], to: "checked", data: { checkedBy: userId, checkedAt: ctx.now() } });
    await tx.audit({ action: "payout.check", subjectId: input.id });
  });
}
