import { AppError } from "@karvon/domain";
import { ProviderUnavailable } from "@karvon/payments";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { RefundOrderInput } from "../inputs/admin.ts";
import { requireMethod } from "../payments/charge-rule.ts";
import { findSettled, lockOrder, type LockedOrder, type PaymentRow } from "../payments/locked-order.ts";
import { ask } from "../payments/open-checkout.ts";
import { refundOrder as bookRefund } from "../payments/settle-order.ts";
import { holdGoods, isHeld, isUnspent, releaseGoods } from "../payments/goods-hold.ts";
import { actorId, transact, type Transaction } from "../transaction.ts";

/**
 * Takes an order's traffic back and books its money as returned, with new entries.
 *
 * Where the provider has a call for it, the traffic is held first, then the money is sent back, under a key of its own, so that a
 * second try sends none. A provider that says no gets the traffic released; one that does not answer may have sent the money, so it
 * stays held until a later try, or the provider's message, settles it. Where there is no call, the admin has sent the money.
 * Payme's refunds begin in Payme's cabinet. STATE_CONFLICT when the order is not paid, its traffic is used, or the provider
 * refunds by itself. A refund that was booked before changes nothing.
 */
export async function refundOrder(ctx: ServiceContext, input: RefundOrderInput): Promise<void> {
  requireAdmin(ctx);
  const order = await ctx.database.order.findUnique({ where: { id: input.id }, select: { status: true, provider: true } });
  if (order === null) throw new AppError("NOT_FOUND", "There is no such order.");
  if (order.status === "refunded") return;
  const method = requireMethod(ctx, order.provider);
  if (method.refundedBy === "provider")
    throw new AppError("STATE_CONFLICT", "Cancel this payment in the provider's cabinet; it is booked here when the provider says so.");
  if (method.refundedBy === "call") {
    const captureRef = await hold(ctx, input);
    await ask(() => method.refund(input.id, captureRef)).catch(async (cause: unknown) => {
      if (isRefusal(cause)) await release(ctx, input);
      throw cause;
    });
  }
  await book(ctx, input);
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof AppError && cause.cause instanceof ProviderUnavailable && cause.cause.isRefusal;
}

/** Answers what the provider calls the money. */
function hold(ctx: ServiceContext, { id, reason }: RefundOrderInput): Promise<string> {
  return transact(ctx, async (tx) => {
    const { order, payment } = await lockPaid(tx, id);
    if (!isHeld(order)) {
      await requireUnused(tx, order);
      await holdGoods(tx.db, order, actorId(ctx.actor));
      await tx.audit({ action: "order.hold", subjectId: id, reason, detail: { provider: order.provider } });
      await tx.notify({ kind: "client", id: order.clientId });
    }
    return payment.captureRef ?? "";
  });
}

function release(ctx: ServiceContext, { id }: RefundOrderInput): Promise<void> {
  return transact(ctx, async (tx) => {
    const order = await lockOrder(tx.db, id);
    if (order?.status !== "paid" || !isHeld(order)) return;
    await releaseGoods(tx.db, order, actorId(ctx.actor));
    await tx.audit({
      action: "order.release",
      subjectId: id,
      reason: "the provider refused the refund",
      detail: { provider: order.provider },
    });
    await tx.notify({ kind: "client", id: order.clientId });
  });
}

function book(ctx: ServiceContext, { id, reason }: RefundOrderInput): Promise<void> {
  const now = ctx.now();
  return transact(ctx, async (tx) => {
    const locked = await lockOrder(tx.db, id);
    // The provider's own message may have been quicker.
    if (locked?.status === "refunded") return;
    const { order, payment } = await lockPaid(tx, id);
    if (!isHeld(order)) await requireUnused(tx, order);
    await bookRefund(tx.db, order, payment, { actor: actorId(ctx.actor), now, reason: null });
    await tx.audit({ action: "order.refund", subjectId: id, reason, detail: { provider: order.provider } });
    await tx.notify({ kind: "client", id: order.clientId });
  });
}

async function requireUnused(tx: Transaction, order: LockedOrder): Promise<void> {
  if (!(await isUnspent(tx.db, order)))
    throw new AppError("STATE_CONFLICT", "Something of this order is used; it cannot be refunded whole.");
}

async function lockPaid(tx: Transaction, id: string): Promise<{ order: LockedOrder; payment: PaymentRow }> {
  const order = await lockOrder(tx.db, id);
  const payment = order?.status === "paid" ? await findSettled(tx.db, id) : null;
  if (order === null || payment === null) throw new AppError("STATE_CONFLICT", `The order is ${order?.status ?? "gone"}.`);
  return { order, payment };
}
