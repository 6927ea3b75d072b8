import { invariant } from "@karvon/domain";
import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PayoutIdInput } from "../inputs/payouts.ts";
import { advancePayouts } from "../payouts/advance-payouts.ts";
import { returnPayout } from "../payouts/payout-postings.ts";
import { transact } from "../transaction.ts";

/** Takes a request back that nobody has checked; its money is the operator's again. NOT_FOUND, STATE_CONFLICT. */
export async function cancelPayout(ctx: ServiceContext, input: PayoutIdInput): Promise<void> {
  const { operatorId, userId } = requireOperator(ctx);
  await transact(ctx, async (tx) => {
    const data = { failure: "Taken back by the operator.", settledBy: userId, settledAt: ctx.now() };
    const [payout] = await advancePayouts(tx, [input.id], { from: ["requested"], to: "failed", data, operatorId });
    invariant(payout !== undefined, "one id gives one payout");
    await returnPayout(tx.db, payout, userId);
    await tx.audit({ action: "payout.cancel", subjectId: input.id });
  });
}
