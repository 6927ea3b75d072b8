/** One step of payouts on their way. The rows are locked by it, so of two people only one takes the step. */
import { AppError } from "@karvon/domain";
import type { Transaction } from "../transaction.ts";
import type { PayoutStatus } from "../money-views.ts";
import type { PayoutMoney } from "./payout-postings.ts";

interface Step {
  readonly from: readonly PayoutStatus[];
  readonly to: PayoutStatus;
  /** Beyond the status: who signed, when, and why. */
  readonly data: Readonly<Record<string, string | Date>>;
  /** Whose it must be; left out for staff. */
  readonly operatorId?: string;
}

/** All or none of `ids`, which are different. NOT_FOUND, or STATE_CONFLICT for the first that is not in a status to go on from. */
export async function advancePayouts(tx: Transaction, ids: readonly string[], step: Step): Promise<PayoutMoney[]> {
  const owned = { id: { in: [...ids] }, ...(step.operatorId === undefined ? {} : { operatorId: step.operatorId }) };
  const moved = await tx.db.payout.updateManyAndReturn({
    where: { ...owned, status: { in: [...step.from] } },
    data: { ...step.data, status: step.to },
    select: { id: true, operatorId: true, amountMicroUsd: true },
  });
  if (moved.length === ids.length) return moved;
  const done = new Set(moved.map(({ id }) => id));
  const known = await tx.db.payout.findMany({ where: owned, select: { id: true, status: true } });
  const left = ids.find((id) => !done.has(id));
  const stuck = known.find(({ id }) => id === left);
  if (stuck === undefined) throw new AppError("NOT_FOUND", "There is no such payout.");
  throw new AppError("STATE_CONFLICT", `Payout ${stuck.id} is ${stuck.status}.`);
}
