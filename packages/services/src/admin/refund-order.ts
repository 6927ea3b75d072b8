import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { RefundOrderInput } from "../inputs/admin.ts";
import { requireMethod } from "../payments/charge-rule.ts";
import { findSettled, lockOrder, type LockedOrder, type PaymentRow } from "../payments/locked-order.ts";
import { ask } from "../payments/open-checkout.ts";
import { refundOrder as bookRefund } from "../payments/settle-order.ts";
import { readFreeBytes } from "../sql-functions.ts";
import { actorId, transact, type Transaction } from "../transaction.ts";

/**
 * Takes an order's traffic back and books its money as returned, with new entries.
 *
 * Where the provider has a call for it, the money is sent back first, under a key of its own, so that a second try sends none.
 * Where it has not, the admin has sent it. Payme's refunds begin in Payme's cabinet. STATE_CONFLICT when the order is not paid,
 * its traffic is used, or the provider refunds by itself. A refund that was booked before changes nothing.
 */
export async function refundOrder(ctx: ServiceContext, input: RefundOrderInput): Promise<void> {
  requireAdmin(ctx);
  const paid = await requireRefundable(ctx, input.id);
  if (paid === "refunded") return;
  await ask(() => requireMethod(ctx, paid.provider).refund(input.id, paid.captureRef ?? ""));
  const now = ctx.now();
  await transact(ctx, async (tx) => {
    const found = await lockPaid(tx, input.id);
    if (found === null) return;
    await bookRefund(tx.db, found.order, found.payment, { actor: actorId(ctx.actor), now, reason: null });
    await tx.audit({ action: "order.refund", subjectId: input.id, reason: input.reason, detail: { provider: found.order.provider } });
    await tx.notify({ kind: "client", id: found.order.clientId });
  });
}

/** Asked before any money goes back: traffic that is used cannot be taken back. */
async function requireRefundable(ctx: ServiceContext, id: string): Promise<PaymentRow | "refunded"> {
  const order = await ctx.database.order.findUnique({
    where: { id },
    select: { status: true, provider: true, bytes: true, clientId: true },
  });
  if (order === null) throw new AppError("NOT_FOUND", "There is no such order.");
  if (order.status === "refunded") return "refunded";
  const payment = await findSettled(ctx.database, id);
  if (order.status !== "paid" || payment === null) throw new AppError("STATE_CONFLICT", `The order is ${order.status}.`);
  if (requireMethod(ctx, order.provider).refundedBy === "provider")
    throw new AppError("STATE_CONFLICT", "Cancel this payment in the provider's cabinet; it is booked here when the provider says so.");
  if ((await readFreeBytes(ctx.database, order.clientId)) < order.bytes)
    throw new AppError("STATE_CONFLICT", "Traffic of this order is used; it cannot be refunded whole.");
  return payment;
}

async function lockPaid(tx: Transaction, id: string): Promise<{ order: LockedOrder; payment: PaymentRow } | null> {
  const order = await lockOrder(tx.db, id);
  const payment = order?.status === "paid" ? await findSettled(tx.db, id) : null;
  return order === null || payment === null ? null : { order, payment };
}
