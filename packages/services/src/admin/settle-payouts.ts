import { invariant } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ReasonedId } from "../inputs/common.ts";
import type { ConfirmPayoutsInput } from "../inputs/payouts.ts";
import { advancePayouts } from "../payouts/advance-payouts.ts";
import { closePayout, returnPayout } from "../payouts/payout-postings.ts";
import { transact } from "../transaction.ts";

/** The bank's statement shows that sent payouts left. One reference for all of them. NOT_FOUND, STATE_CONFLICT. */
export async function confirmPayouts(ctx: ServiceContext, input: ConfirmPayoutsInput): Promise<void> {
  const { userId } = requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    const data = { reference: input.reference, settledBy: userId, settledAt: ctx.now() };
    const payouts = await advancePayouts(tx, input.ids, { from: ["sent"], to: "paid", data });
    for (const payout of payouts) await closePayout(tx.db, payout, userId);
    await tx.audit({
      action: "payout.confirm",
      subjectId: input.ids[0] ?? "",
      detail: { payouts: input.ids.join(" "), reference: input.reference },
    });
  });
}

/**
 * Ends an open payout: refused before it was sent, or sent and come back. Its money is the operator's again, who reads the
 * reason. NOT_FOUND, STATE_CONFLICT.
 */
export async function failPayout(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  const { userId } = requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    const data = { failure: input.reason, settledBy: userId, settledAt: ctx.now() };
    const [payout] = await advancePayouts(tx, [input.id], { from: ["requested", "checked", "sent"], to: "failed", data });
    invariant(payout !== undefined, "one id gives one payout");
    await returnPayout(tx.db, payout, userId);
    await tx.audit({ action: "payout.fail", subjectId: input.id, reason: input.reason });
  });
}
