/**
 * Payme's six calls, carried out: packages/payments decides, this stores. Every answer is made from stored times, so that a
 * call which is sent twice gets the same answer twice.
 *
 * Limits: GetStatement answers with 10,000 transactions at most.
 */
import {
  cancelResult,
  checkResult,
  createResult,
  decideCancel,
  decideCreate,
  decidePerform,
  type PaymeCall,
  type PaymeFault,
  paymeFaults,
  type PaymeOrder,
  type PaymeTransaction,
  performResult,
  refuseOrder,
  statementResult,
  timeoutReason,
  type TimedOut,
} from "@karvon/payments";
import { requireSystem } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { actorId, transact, type Transaction } from "../transaction.ts";
import { findPayment, type LockedOrder, lockOrder, paymentFields, type PaymentRow } from "./locked-order.ts";
import { addPayment, failPayment, refundOrder, settleOrder } from "./settle-order.ts";
import { isUnspent } from "./goods-hold.ts";

export type PaymeAnswer = { readonly kind: "result"; readonly result: object } | { readonly kind: "fault"; readonly fault: PaymeFault };
type Call<Method extends PaymeCall["method"]> = Extract<PaymeCall, { readonly method: Method }>;

const statementRowsMax = 10_000;

const result = (value: object): PaymeAnswer => ({ kind: "result", result: value });
const refused = (fault: PaymeFault): PaymeAnswer => ({ kind: "fault", fault });

/** Rejects when the database does not answer; nothing is then stored. */
export function answerPayme(ctx: ServiceContext, call: PaymeCall): Promise<PaymeAnswer> {
  requireSystem(ctx);
  switch (call.method) {
    case "CheckPerformTransaction":
      return checkPerform(ctx, call);
    case "CreateTransaction":
      return create(ctx, call);
    case "PerformTransaction":
      return perform(ctx, call);
    case "CancelTransaction":
      return cancel(ctx, call);
    case "CheckTransaction":
      return check(ctx, call);
    case "GetStatement":
      return statement(ctx, call);
  }
}

async function checkPerform(ctx: ServiceContext, call: Call<"CheckPerformTransaction">): Promise<PaymeAnswer> {
  const order = await ctx.database.order.findFirst({
    where: { id: call.orderId ?? "", provider: "payme" },
    select: { status: true, expiresAt: true, chargeMinor: true },
  });
  const fault = refuseOrder(order === null ? null : orderFacts(order, ctx.now()), call.amountTiyin);
  return fault === null ? result({ allow: true }) : refused(fault);
}

function create(ctx: ServiceContext, call: Call<"CreateTransaction">): Promise<PaymeAnswer> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const order = await lockPaymeOrder(tx, call.orderId ?? "");
    const known = await findPayment(tx.db, "payme", call.id);
    const decision = decideCreate({
      call,
      known: known === null ? null : transactionOf(known),
      order: order === null ? null : orderFacts(order, now),
      isHeld: order !== null && (await isHeld(ctx, tx, order)),
      nowMs: now.getTime(),
    });
    if (decision.kind === "refused") return refused(decision.fault);
    if (decision.kind === "timed_out" && known !== null) return timeOut(tx, known, now, decision);
    if (known !== null) return result(createResult(transactionOf(known)));
    if (order === null) return refused(paymeFaults.unknownOrder);
    const made = await addPayment(tx.db, order, { provider: "payme", providerRef: call.id, now, providerAt: new Date(call.timeMs) });
    await tx.audit({ action: "payment.create", subjectId: order.id, detail: { provider: "payme", ref: call.id } });
    return result(createResult(transactionOf(made)));
  });
}

/** Another created transaction has the order, unless its twelve hours are over: then it makes room. */
async function isHeld(ctx: ServiceContext, tx: Transaction, order: LockedOrder): Promise<boolean> {
  const now = ctx.now();
  const holders = await tx.db.payment.findMany({ where: { orderId: order.id, status: "pending" }, select: paymentFields });
  let held = false;
  for (const holder of holders) {
    if (decidePerform(transactionOf(holder), now.getTime()).kind === "timed_out") await failPayment(tx.db, holder, timeoutAt(now));
    else held = true;
  }
  return held;
}

function perform(ctx: ServiceContext, call: Call<"PerformTransaction">): Promise<PaymeAnswer> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const { order, payment } = await lockTransaction(tx, call.id);
    const decision = decidePerform(payment === null ? null : transactionOf(payment), now.getTime());
    if (decision.kind === "refused") return refused(decision.fault);
    if (payment === null || order === null) return refused(paymeFaults.notFound);
    if (decision.kind === "timed_out") return timeOut(tx, payment, now, decision);
    if (decision.kind === "known") return result(performResult(transactionOf(payment)));
    const settled = await settleOrder(tx.db, order, payment, { actor: actorId(ctx.actor), now });
    await tx.audit({
      action: "order.pay",
      subjectId: order.id,
      detail: { provider: "payme", ref: call.id, chargeMinor: order.chargeMinor.toString() },
    });
    await tx.notify({ kind: "client", id: order.clientId });
    return result(performResult(transactionOf(settled)));
  });
}

function cancel(ctx: ServiceContext, call: Call<"CancelTransaction">): Promise<PaymeAnswer> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const { order, payment } = await lockTransaction(tx, call.id);
    const isRefund = order !== null && payment?.status === "succeeded";
    const decision = decideCancel(payment === null ? null : transactionOf(payment), isRefund && (await isUnspent(tx.db, order)));
    if (decision.kind === "refused") return refused(decision.fault);
    if (payment === null || order === null) return refused(paymeFaults.notFound);
    if (decision.kind === "known") return result(cancelResult(transactionOf(payment)));
    const detail = { provider: "payme", ref: call.id, reason: call.reason };
    if (decision.kind === "cancel") {
      const failed = await failPayment(tx.db, payment, { now, reason: call.reason, why: `Payme cancelled it, reason ${call.reason}` });
      await tx.audit({ action: "payment.cancel", subjectId: order.id, detail });
      return result(cancelResult(transactionOf(failed)));
    }
    const refunded = await refundOrder(tx.db, order, payment, { actor: actorId(ctx.actor), now, reason: call.reason });
    await tx.audit({ action: "order.refund", subjectId: order.id, detail });
    await tx.notify({ kind: "client", id: order.clientId });
    return result(cancelResult(transactionOf(refunded)));
  });
}

async function check(ctx: ServiceContext, call: Call<"CheckTransaction">): Promise<PaymeAnswer> {
  const payment = await findPayment(ctx.database, "payme", call.id);
  return payment === null ? refused(paymeFaults.notFound) : result(checkResult(transactionOf(payment)));
}

async function statement(ctx: ServiceContext, call: Call<"GetStatement">): Promise<PaymeAnswer> {
  const rows = await ctx.database.payment.findMany({
    where: { provider: "payme", providerAt: { gte: new Date(call.fromMs), lte: new Date(call.toMs) } },
    orderBy: [{ providerAt: "asc" }, { id: "asc" }],
    take: statementRowsMax,
    select: paymentFields,
  });
  return result({ transactions: rows.map((row) => statementResult(transactionOf(row))) });
}

async function timeOut(tx: Transaction, payment: PaymentRow, now: Date, { fault }: TimedOut): Promise<PaymeAnswer> {
  await failPayment(tx.db, payment, timeoutAt(now));
  await tx.audit({
    action: "payment.cancel",
    subjectId: payment.orderId,
    detail: { provider: "payme", ref: payment.providerRef, reason: timeoutReason },
  });
  return refused(fault);
}

const timeoutAt = (now: Date) => ({ now, reason: timeoutReason, why: "nobody paid within twelve hours" });

async function lockPaymeOrder(tx: Transaction, id: string): Promise<LockedOrder | null> {
  const order = await lockOrder(tx.db, id);
  return order?.provider === "payme" ? order : null;
}

/** The order first, then the payment as it is under that lock. */
async function lockTransaction(tx: Transaction, id: string): Promise<{ order: LockedOrder | null; payment: PaymentRow | null }> {
  const seen = await findPayment(tx.db, "payme", id);
  if (seen === null) return { order: null, payment: null };
  const order = await lockPaymeOrder(tx, seen.orderId);
  return { order, payment: await findPayment(tx.db, "payme", id) };
}

function orderFacts(order: Pick<LockedOrder, "status" | "expiresAt" | "chargeMinor">, now: Date): PaymeOrder {
  return { status: order.status, isExpired: order.expiresAt <= now, amountTiyin: order.chargeMinor };
}

const states = { pending: 1, succeeded: 2, failed: -1, refunded: -2 } as const;

function transactionOf(payment: PaymentRow): PaymeTransaction {
  return {
    id: payment.providerRef,
    transaction: payment.id,
    orderId: payment.orderId,
    amountTiyin: payment.chargeMinor,
    timeMs: (payment.providerAt ?? payment.createdAt).getTime(),
    createMs: payment.createdAt.getTime(),
    performMs: payment.settledAt?.getTime() ?? null,
    cancelMs: payment.cancelledAt?.getTime() ?? null,
    state: states[payment.status],
    reason: payment.cancelReason,
  };
}
