import { AppError, newId } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PayoutIdsInput } from "../inputs/payouts.ts";
import { advancePayouts } from "../payouts/advance-payouts.ts";
import { transact } from "../transaction.ts";
import type { PayoutBatchView } from "../money-views.ts";

/**
 * The second of two people sends checked payouts as one batch, all or none. They give them to the bank after this says yes.
 *
 * SECOND_PERSON_NEEDED when the same admin checked one of them: the database refuses it too. NOT_FOUND, STATE_CONFLICT.
 */
export async function sendPayouts(ctx: ServiceContext, input: PayoutIdsInput): Promise<PayoutBatchView> {
  const { userId } = requireAdmin(ctx);
  return transact(ctx, async (tx) => {
    const own = await tx.db.payout.findFirst({ where: { id: { in: input.ids }, checkedBy: userId }, select: { id: true } });
    if (own !== null) throw new AppError("SECOND_PERSON_NEEDED", `You checked payout ${own.id}: another admin must send it.`);
    const now = ctx.now();
    const batchId = newId("bat", now.getTime());
    const payouts = await advancePayouts(tx, input.ids, { from: ["checked"], to: "sent", data: { sentBy: userId, sentAt: now, batchId } });
    const amountMicroUsd = payouts.reduce((sum, payout) => sum + payout.amountMicroUsd, 0n);
    await tx.audit({
      action: "payout.send",
      subjectId: batchId,
      detail: { payouts: input.ids.join(" "), amountMicroUsd: amountMicroUsd.toString() },
    });
    return { batchId, count: payouts.length, amountMicroUsd };
  });
}
