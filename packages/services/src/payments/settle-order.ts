/**
 * The three things that end an order: it is paid, refunded or cancelled. Each runs under the order's lock (locked-order.ts).
 *
 * A payment posts one ledger transaction, under the key `order:<id>`; a refund posts another with the opposite entries, under
 * `refund:<id>`. Entries are never changed. The database refuses a paid order without its posting, and a posting without one.
 */
import { newId } from "@karvon/domain";
import type { PaymentProvider } from "@karvon/payments";
import type { DatabaseTransaction } from "../database.ts";
import { postLedger } from "../sql-functions.ts";
import { type LockedOrder, paymentFields, type PaymentRow } from "./locked-order.ts";
import { goodsEntries, moneyEntries } from "./order-entries.ts";
import { orderHash } from "./order-hash.ts";
import { isHeld } from "./goods-hold.ts";

export interface NewPayment {
  readonly provider: PaymentProvider;
  readonly providerRef: string;
  readonly now: Date;
  readonly providerAt?: Date;
}

export function addPayment(db: DatabaseTransaction, order: LockedOrder, payment: NewPayment): Promise<PaymentRow> {
  const { provider, providerRef, now, providerAt = null } = payment;
  return db.payment.create({
    data: {
      id: newId("pay", now.getTime()),
      orderId: order.id,
      provider,
      providerRef,
      amountMicroUsd: order.amountMicroUsd,
      chargeMinor: order.chargeMinor,
      status: "pending",
      createdAt: now,
      providerAt,
    },
    select: paymentFields,
  });
}

export interface Settlement {
  readonly actor: string;
  readonly now: Date;
  readonly captureRef?: string | null;
}

/** Marks the payment and its order and posts the traffic and the money. */
export async function settleOrder(
  db: DatabaseTransaction,
  order: LockedOrder,
  payment: PaymentRow,
  { actor, now, captureRef = null }: Settlement,
): Promise<PaymentRow> {
  const settled = await db.payment.update({
    where: { id: payment.id },
    data: { status: "succeeded", settledAt: now, captureRef },
    select: paymentFields,
  });
  await db.order.update({ where: { id: order.id }, data: { status: "paid", paidAt: now }, select: { id: true } });
  await postLedger(db, {
    key: `order:${order.id}`,
    kind: "top_up",
    actor,
    requestSha256: orderHash(order),
    entries: [...goodsEntries(order, 1n), ...moneyEntries(order, 1n)],
  });
  return settled;
}

export interface Refund {
  readonly actor: string;
  readonly now: Date;
  readonly reason: number | null;
}

/**
 * The opposite entries, less what was taken already when the refund began (goods-hold.ts). Whether it is still there
 * was asked before; booking never refuses.
 */
export async function refundOrder(
  db: DatabaseTransaction,
  order: LockedOrder,
  payment: PaymentRow,
  { actor, now, reason }: Refund,
): Promise<PaymentRow> {
  const refunded = await db.payment.update({
    where: { id: payment.id },
    data: { status: "refunded", cancelledAt: now, cancelReason: reason },
    select: paymentFields,
  });
  await db.order.update({ where: { id: order.id }, data: { status: "refunded", refundedAt: now }, select: { id: true } });
  await postLedger(db, {
    key: `refund:${order.id}`,
    kind: "refund",
    actor,
    requestSha256: orderHash(order),
    entries: [...(isHeld(order) ? [] : goodsEntries(order, -1n)), ...moneyEntries(order, -1n)],
  });
  return refunded;
}

export interface Failure {
  readonly now: Date;
  readonly reason: number | null;
  readonly why: string;
}

/** A payment that did not come about. The order stays as it is: the buyer may try again. */
export function failPayment(db: DatabaseTransaction, payment: PaymentRow, { now, reason, why }: Failure): Promise<PaymentRow> {
  return db.payment.update({
    where: { id: payment.id },
    data: { status: "failed", cancelledAt: now, cancelReason: reason, failure: why },
    select: paymentFields,
  });
}

export async function cancelOrderRow(db: DatabaseTransaction, order: LockedOrder, now: Date): Promise<void> {
  await db.order.update({ where: { id: order.id }, data: { status: "cancelled", cancelledAt: now }, select: { id: true } });
}
