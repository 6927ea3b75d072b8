/** Click's Prepare and Complete, carried out: packages/payments decides, this stores. */
import { type ClickCall, type ClickError, clickErrors, type ClickFacts, decideComplete, decidePrepare } from "@karvon/payments";
import { requireSystem } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { actorId, transact, type Transaction } from "../transaction.ts";
import { findPayment, lockOrder, type LockedOrder, type PaymentRow } from "./locked-order.ts";
import { addPayment, failPayment, settleOrder } from "./settle-order.ts";

export interface ClickAnswer {
  readonly error: ClickError;
  /** Our number of the payment: merchant_prepare_id or merchant_confirm_id. Null when there is none. */
  readonly number: bigint | null;
}

/** Rejects when the database does not answer; nothing is then stored. */
export function answerClick(ctx: ServiceContext, call: ClickCall): Promise<ClickAnswer> {
  requireSystem(ctx);
  return call.action === "prepare" ? prepare(ctx, call) : complete(ctx, call);
}

interface Found {
  readonly order: LockedOrder | null;
  readonly payment: PaymentRow | null;
  readonly facts: ClickFacts;
}

async function lockFacts(ctx: ServiceContext, tx: Transaction, call: ClickCall): Promise<Found> {
  const locked = await lockOrder(tx.db, call.orderId);
  const order = locked?.provider === "click" ? locked : null;
  const found = order === null ? null : await findPayment(tx.db, "click", call.clickTransId);
  const payment = found?.orderId === order?.id ? found : null;
  return {
    order,
    payment,
    facts: {
      call,
      order: order === null ? null : { status: order.status, isExpired: order.expiresAt <= ctx.now(), amountTiyin: order.chargeMinor },
      payment: payment === null ? null : { number: payment.number, clickTransId: payment.providerRef, status: payment.status },
    },
  };
}

function prepare(ctx: ServiceContext, call: ClickCall): Promise<ClickAnswer> {
  return transact(ctx, async (tx) => {
    const { order, payment, facts } = await lockFacts(ctx, tx, call);
    const decision = decidePrepare(facts);
    if (decision.kind === "refused") return { error: decision.error, number: payment?.number ?? null };
    if (payment !== null) return { error: clickErrors.success, number: payment.number };
    if (order === null || (await findPayment(tx.db, "click", call.clickTransId)) !== null)
      return { error: clickErrors.transaction, number: null };
    const made = await addPayment(tx.db, order, { provider: "click", providerRef: call.clickTransId, now: ctx.now() });
    await tx.audit({ action: "payment.create", subjectId: order.id, detail: { provider: "click", ref: call.clickTransId } });
    return { error: clickErrors.success, number: made.number };
  });
}

function complete(ctx: ServiceContext, call: ClickCall): Promise<ClickAnswer> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const { order, payment, facts } = await lockFacts(ctx, tx, call);
    const decision = decideComplete(facts);
    if (decision.kind === "refused") return { error: decision.error, number: payment?.number ?? null };
    if (order === null || payment === null) return { error: clickErrors.transaction, number: null };
    const detail = { provider: "click", ref: call.clickTransId, chargeMinor: order.chargeMinor.toString(), clickError: call.clickError };
    if (decision.kind === "fail") {
      await failPayment(tx.db, payment, { now, reason: call.clickError, why: `Click reported error ${call.clickError}` });
      await tx.audit({ action: "payment.cancel", subjectId: order.id, detail });
      return { error: decision.error, number: payment.number };
    }
    await settleOrder(tx.db, order, payment, { actor: actorId(ctx.actor), now });
    await tx.audit({ action: "order.pay", subjectId: order.id, detail });
    await tx.notify({ kind: "client", id: order.clientId });
    return { error: clickErrors.success, number: payment.number };
  });
}
