/**
 * The three ledger transactions of a payout. Their keys are made of its id and never expire: none can be posted twice.
 * What they leave in the ledger must fit the payout's status when the transaction commits; a trigger compares.
 */
import { createHash } from "node:crypto";
import type { DatabaseTransaction } from "../database.ts";
import { postLedger } from "../sql-functions.ts";

export interface PayoutMoney {
  readonly id: string;
  readonly operatorId: string;
  readonly amountMicroUsd: bigint;
}

/** Takes it out of what the operator may ask for. */
export function reservePayout(db: DatabaseTransaction, payout: PayoutMoney, actor: string): Promise<void> {
  const { operatorId: ownerId, amountMicroUsd: amount } = payout;
  return post(db, "reserve", payout, actor, [
    { kind: "operator_payable", ownerId, amount: -amount, atLeast: 0n },
    { kind: "payout_clearing", amount },
  ]);
}

/** Gives it back to the operator. */
export function returnPayout(db: DatabaseTransaction, payout: PayoutMoney, actor: string): Promise<void> {
  const { operatorId: ownerId, amountMicroUsd: amount } = payout;
  return post(db, "return", payout, actor, [
    { kind: "payout_clearing", amount: -amount },
    { kind: "operator_payable", ownerId, amount },
  ]);
}

/** The money has left: it goes where the money of buyers came from. */
export function closePayout(db: DatabaseTransaction, payout: PayoutMoney, actor: string): Promise<void> {
  const { amountMicroUsd: amount } = payout;
  return post(db, "close", payout, actor, [
    { kind: "payout_clearing", amount: -amount },
    { kind: "payment_clearing", amount },
  ]);
}

type Entries = Parameters<typeof postLedger>[1]["entries"];

async function post(db: DatabaseTransaction, step: string, payout: PayoutMoney, actor: string, entries: Entries): Promise<void> {
  const key = `payout:${payout.id}:${step}`;
  const requestSha256 = createHash("sha256")
    .update(JSON.stringify([key, payout.operatorId, payout.amountMicroUsd.toString()]))
    .digest();
  await postLedger(db, { key, kind: "payout", actor, requestSha256, entries });
}
