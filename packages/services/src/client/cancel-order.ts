import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { OrderIdInput } from "../inputs/client.ts";
import { paymentFields } from "../payments/locked-order.ts";
import { lockOrder } from "../payments/locked-order.ts";
import { ask } from "../payments/open-checkout.ts";
import { cancelOrderRow, failPayment } from "../payments/settle-order.ts";
import { transact } from "../transaction.ts";

/**
 * Gives up an order that is not paid. The provider is asked first to take no more money for it. STATE_CONFLICT when it is paid,
 * being paid or ended; NOT_FOUND when it is not the client's own.
 */
export async function cancelOrder(ctx: ServiceContext, input: OrderIdInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  await closeAtProvider(ctx, clientId, input.id);
  const now = ctx.now();
  await transact(ctx, async (tx) => {
    const order = await lockOrder(tx.db, input.id);
    if (order?.clientId !== clientId) throw notFound();
    if (order.status !== "pending") throw new AppError("STATE_CONFLICT", `The order is ${order.status}.`);
    const pending = await tx.db.payment.findMany({ where: { orderId: order.id, status: "pending" }, select: paymentFields });
    // Payme holds a transaction for twelve hours and has no call by which we could end it.
    if (order.provider === "payme" && pending.length > 0)
      throw new AppError("STATE_CONFLICT", "A payment of this order is under way. Finish it, or cancel it at Payme.");
    for (const payment of pending) await failPayment(tx.db, payment, { now, reason: null, why: "the buyer cancelled the order" });
    await cancelOrderRow(tx.db, order, now);
    await tx.audit({ action: "order.cancel", subjectId: order.id, detail: { provider: order.provider } });
  });
}

async function closeAtProvider(ctx: ServiceContext, clientId: string, id: string): Promise<void> {
  const order = await ctx.database.order.findFirst({
    where: { id, clientId },
    select: { status: true, provider: true, payments: { where: { status: "pending" }, select: { providerRef: true } } },
  });
  if (order === null) throw notFound();
  const method = ctx.payments.find(order.provider);
  if (order.status !== "pending" || method === null) return;
  for (const { providerRef } of order.payments) {
    const outcome = await ask(() => method.closeCheckout(providerRef));
    if (outcome === "paid") throw new AppError("STATE_CONFLICT", "This order has just been paid. It will show in a moment.");
  }
}

const notFound = () => new AppError("NOT_FOUND", "There is no such order.");
