/**
 * Payme's transaction: its states, its twelve hours, and what each call does to it. Pure: facts in, a decision out.
 *
 * A call that was carried out before gets the answer that it got then: the times are stored, never made anew.
 * Source: developer.help.paycom.uz, "CheckPerformTransaction", "CreateTransaction", "PerformTransaction", "CancelTransaction",
 * "CheckTransaction", "GetStatement", "Типы данных" (states and reasons), "Песочница" (each call is sent twice).
 */
import { accountField, type PaymeFault, paymeFaults } from "./faults.ts";

/** 1 created, 2 performed, -1 cancelled before and -2 after it was performed. */
export type PaymeState = 1 | 2 | -1 | -2;

export interface PaymeTransaction {
  /** Payme's id. */
  readonly id: string;
  /** Ours, as text. */
  readonly transaction: string;
  readonly orderId: string;
  readonly amountTiyin: bigint;
  /** When Payme made it. */
  readonly timeMs: number;
  readonly createMs: number;
  readonly performMs: number | null;
  readonly cancelMs: number | null;
  readonly state: PaymeState;
  readonly reason: number | null;
}

export interface PaymeOrder {
  readonly status: "pending" | "paid" | "cancelled" | "refunded";
  readonly isExpired: boolean;
  readonly amountTiyin: bigint;
}

/** A created transaction that is not performed for so long is cancelled, with reason 4. */
export const paymeTimeoutMs = 43_200_000;
export const timeoutReason = 4;

export type Refused = { readonly kind: "refused"; readonly fault: PaymeFault };
/** The transaction's time is over: cancel it with reason 4, then refuse. */
export type TimedOut = { readonly kind: "timed_out"; readonly fault: PaymeFault };
type Known = { readonly kind: "known" };

const refuse = (fault: PaymeFault): Refused => ({ kind: "refused", fault });
const timedOut: TimedOut = { kind: "timed_out", fault: paymeFaults.wrongState };

export function isTimedOut(transaction: PaymeTransaction, nowMs: number): boolean {
  return transaction.state === 1 && nowMs - transaction.createMs > paymeTimeoutMs;
}

/** Null when the order can be paid with that amount. The account is judged before the amount. */
export function refuseOrder(order: PaymeOrder | null, amountTiyin: bigint): PaymeFault | null {
  if (order === null) return paymeFaults.unknownOrder;
  if (order.status === "paid" || order.status === "refunded") return paymeFaults.paidOrder;
  if (order.status === "cancelled" || order.isExpired) return paymeFaults.closedOrder;
  return amountTiyin === order.amountTiyin ? null : paymeFaults.wrongAmount;
}

export interface CreateFacts {
  readonly call: { readonly timeMs: number; readonly amountTiyin: bigint; readonly orderId: string | null };
  /** The transaction of that id. */
  readonly known: PaymeTransaction | null;
  readonly order: PaymeOrder | null;
  /** Whether another created transaction holds the order. */
  readonly isHeld: boolean;
  readonly nowMs: number;
}

export function decideCreate({ call, known, order, isHeld, nowMs }: CreateFacts): Refused | TimedOut | Known | { readonly kind: "create" } {
  if (known !== null) {
    if (known.orderId !== call.orderId) return refuse(paymeFaults.unknownOrder);
    if (known.amountTiyin !== call.amountTiyin) return refuse(paymeFaults.wrongAmount);
    if (known.state !== 1) return refuse(paymeFaults.wrongState);
    return isTimedOut(known, nowMs) ? timedOut : { kind: "known" };
  }
  const fault = refuseOrder(order, call.amountTiyin);
  if (fault !== null) return refuse(fault);
  if (isHeld) return refuse(paymeFaults.busyOrder);
  // One that Payme made more than twelve hours ago would be cancelled by the next call anyway.
  return nowMs - call.timeMs > paymeTimeoutMs ? refuse(paymeFaults.wrongState) : { kind: "create" };
}

export function decidePerform(known: PaymeTransaction | null, nowMs: number): Refused | TimedOut | Known | { readonly kind: "perform" } {
  if (known === null) return refuse(paymeFaults.notFound);
  if (known.state === 2) return { kind: "known" };
  if (known.state !== 1) return refuse(paymeFaults.wrongState);
  return isTimedOut(known, nowMs) ? timedOut : { kind: "perform" };
}

/** `canRefund`: whether the order's traffic is still there to be taken back. */
export function decideCancel(known: PaymeTransaction | null, canRefund: boolean): Refused | Known | { readonly kind: "cancel" | "refund" } {
  if (known === null) return refuse(paymeFaults.notFound);
  switch (known.state) {
    case 1:
      return { kind: "cancel" };
    case 2:
      return canRefund ? { kind: "refund" } : refuse(paymeFaults.cannotCancel);
    case -1:
    case -2:
      return { kind: "known" };
  }
}

export const createResult = ({ createMs, transaction, state }: PaymeTransaction) => ({ create_time: createMs, transaction, state });
export const performResult = ({ performMs, transaction, state }: PaymeTransaction) => ({
  transaction,
  perform_time: performMs ?? 0,
  state,
});
export const cancelResult = ({ cancelMs, transaction, state }: PaymeTransaction) => ({ transaction, cancel_time: cancelMs ?? 0, state });

/** Times that have not come are 0, a reason that there is not is null. */
export function checkResult(known: PaymeTransaction) {
  const { createMs, performMs, cancelMs, transaction, state, reason } = known;
  return { create_time: createMs, perform_time: performMs ?? 0, cancel_time: cancelMs ?? 0, transaction, state, reason };
}

export function statementResult(known: PaymeTransaction) {
  const { id, timeMs, amountTiyin, orderId } = known;
  return { id, time: timeMs, amount: Number(amountTiyin), account: { [accountField]: orderId }, ...checkResult(known), receivers: null };
}
