/**
 * What Stripe's webhooks tell, booked once.
 *
 * Money that Stripe has taken is never turned away: an order that was given up meanwhile is paid all the same. Only another
 * amount or currency than the order's is refused, and then nothing is booked.
 */
import { AppError } from "@karvon/domain";
import type { StripeNews } from "@karvon/payments";
import { requireSystem } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { actorId, transact } from "../transaction.ts";
import { findPayment, lockOrder, paymentFields } from "./locked-order.ts";
import { addPayment, cancelOrderRow, failPayment, refundOrder, settleOrder } from "./settle-order.ts";

type News<Kind extends StripeNews["kind"]> = Extract<StripeNews, { readonly kind: Kind }>;

/** NOT_FOUND for an order or payment that is not ours, IDEMPOTENCY_CONFLICT for another amount than the order's. */
export async function bookStripeNews(ctx: ServiceContext, news: StripeNews): Promise<void> {
  requireSystem(ctx);
  if (news.kind === "paid") await bookPaid(ctx, news);
  if (news.kind === "failed") await bookFailed(ctx, news);
  if (news.kind === "refunded") await bookRefund(ctx, news);
}

function bookPaid(ctx: ServiceContext, news: News<"paid">): Promise<void> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const order = await lockOrder(tx.db, news.orderId);
    if (order?.provider !== "stripe") throw new AppError("NOT_FOUND", "There is no such order.");
    if (news.amountCents !== order.chargeMinor || news.currency !== order.currency)
      throw new AppError("IDEMPOTENCY_CONFLICT", "The order has another amount.");
    const known = await findPayment(tx.db, "stripe", news.sessionId);
    if (known !== null && known.orderId !== order.id) throw new AppError("IDEMPOTENCY_CONFLICT", "The session belongs to another order.");
    const settled = await tx.db.payment.findFirst({
      where: { orderId: order.id, status: { in: ["succeeded", "refunded"] } },
      select: paymentFields,
    });
    if (settled !== null) {
      // The same money again is everyday. Other money is somebody's, and an admin must send it back.
      if (settled.captureRef !== news.captureRef)
        await tx.audit({ action: "payment.paid_twice", subjectId: order.id, detail: { provider: "stripe", ref: news.captureRef } });
      return;
    }
    // The session's failed payment (a bank that said no, then yes) keeps its row; the money gets one of its own.
    const payment =
      known?.status === "pending"
        ? known
        : await addPayment(tx.db, order, {
            provider: "stripe",
            providerRef: known === null ? news.sessionId : `${news.sessionId}:late`,
            now,
          });
    await settleOrder(tx.db, order, payment, { actor: actorId(ctx.actor), now, captureRef: news.captureRef });
    await tx.audit({
      action: "order.pay",
      subjectId: order.id,
      detail: {
        provider: "stripe",
        ref: news.sessionId,
        chargeMinor: order.chargeMinor.toString(),
        wasCancelled: order.status === "cancelled",
      },
    });
    await tx.notify({ kind: "client", id: order.clientId });
  });
}

/** A session takes one payment, so what ends the session without one ends the order. */
function bookFailed(ctx: ServiceContext, news: News<"failed">): Promise<void> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const order = await lockOrder(tx.db, news.orderId);
    if (order?.provider !== "stripe") throw new AppError("NOT_FOUND", "There is no such order.");
    if (order.status !== "pending") return;
    const payment = await findPayment(tx.db, "stripe", news.sessionId);
    if (payment?.status === "pending") await failPayment(tx.db, payment, { now, reason: null, why: news.why });
    await cancelOrderRow(tx.db, order, now);
    await tx.audit({ action: "order.cancel", subjectId: order.id, reason: news.why, detail: { provider: "stripe", ref: news.sessionId } });
  });
}

/** Somebody refunded at Stripe. A part of the amount is not booked here: an admin corrects by hand, and the audit log says so. */
function bookRefund(ctx: ServiceContext, news: News<"refunded">): Promise<void> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const seen = await tx.db.payment.findUnique({
      where: { provider_captureRef: { provider: "stripe", captureRef: news.captureRef } },
      select: paymentFields,
    });
    if (seen === null) throw new AppError("NOT_FOUND", "There is no such payment.");
    const order = await lockOrder(tx.db, seen.orderId);
    if (order === null || order.status !== "paid") return;
    const detail = { provider: "stripe", ref: news.captureRef, refundedMinor: news.amountCents.toString() };
    if (!news.isWhole) {
      await tx.audit({ action: "payment.refunded_in_part", subjectId: order.id, detail });
      return;
    }
    await refundOrder(tx.db, order, seen, { actor: actorId(ctx.actor), now, reason: null });
    await tx.audit({ action: "order.refund", subjectId: order.id, detail });
    await tx.notify({ kind: "client", id: order.clientId });
  });
}
