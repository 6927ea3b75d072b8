import { AppError } from "@karvon/domain";
import { type OpenedCheckout, type PaymentMethod, ProviderUnavailable } from "@karvon/payments";
import type { ServiceContext } from "../context.ts";
import { transact } from "../transaction.ts";
import { findPayment, lockOrder, type LockedOrder } from "./locked-order.ts";
import { orderLine } from "./order-line.ts";
import { addPayment } from "./settle-order.ts";

/**
 * Where the buyer pays: asked of the provider once the order is committed, and stored with it. An answer that is lost is asked
 * for again with the next try, and is then the same payment. PROVIDER_UNAVAILABLE when the provider does not answer.
 */
export async function openCheckout(ctx: ServiceContext, order: LockedOrder, method: PaymentMethod): Promise<string | null> {
  if (order.payUrl !== null || order.status !== "pending") return order.payUrl;
  const opened = await ask(() =>
    method.openCheckout({
      orderId: order.id,
      orderNumber: order.number,
      description: `${orderLine(order)}, order ${order.number}`,
      chargeMinor: order.chargeMinor,
      returnUrl: `${ctx.panelUrl}/client/orders`,
      expiresAt: order.expiresAt,
    }),
  );
  await storeCheckout(ctx, order.id, method, opened);
  return opened.payUrl;
}

function storeCheckout(ctx: ServiceContext, orderId: string, method: PaymentMethod, { ref, payUrl }: OpenedCheckout): Promise<void> {
  const { provider } = method;
  return transact(ctx, async (tx) => {
    const order = await lockOrder(tx.db, orderId);
    if (order === null || order.payUrl !== null) return;
    await tx.db.order.update({ where: { id: orderId }, data: { payUrl }, select: { id: true } });
    if (ref !== null && (await findPayment(tx.db, provider, ref)) === null)
      await addPayment(tx.db, order, { provider, providerRef: ref, now: ctx.now() });
    await tx.audit({ action: "payment.open", subjectId: orderId, detail: { provider } });
  });
}

/** A provider's silence as the panel's refusal. */
export async function ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof ProviderUnavailable) throw new AppError("PROVIDER_UNAVAILABLE", cause.message, { cause });
    throw cause;
  }
}
