import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { readBalanceBytes } from "../sql-functions.ts";
import { actorId, transact, type Transaction } from "../transaction.ts";
import type { PurchaseView } from "./views.ts";
import type { PaymentProvider } from "@karvon/payments";
import { requireMethod } from "./charge-rule.ts";
import type { LockedOrder } from "./locked-order.ts";
import { openCheckout } from "./open-checkout.ts";
import { type Goods, placeOrder } from "./place-order.ts";
import { addPayment, settleOrder } from "./settle-order.ts";

export interface PurchaseRequest {
  readonly idempotencyKey: string;
  readonly provider?: PaymentProvider | undefined;
  readonly quotedMinor?: bigint | undefined;
}

/**
 * Orders goods. With the test provider they are paid at once, no money moves, and every surface says so; with the others the
 * answer says where to pay, and the goods are there when the provider's message has come.
 *
 * The same key again answers with the same order and changes nothing; the same key with other goods or another provider is
 * IDEMPOTENCY_CONFLICT. Keys are the client's own and never expire. QUOTE_CHANGED when the charge is not the one that was
 * shown; PROVIDER_UNAVAILABLE when the provider is not set up or does not answer, and then the order waits for another try.
 */
export async function purchase(ctx: ServiceContext, goods: Goods, request: PurchaseRequest): Promise<PurchaseView> {
  const { clientId } = requireClient(ctx);
  const method = requireMethod(ctx, request.provider ?? "test");
  const order = await transact(ctx, async (tx) => {
    const placed = await placeOrder(tx.db, { clientId, goods, request, method, now: ctx.now() });
    if (!placed.isNew) return placed.order;
    const isTest = method.provider === "test";
    if (isTest) await payTest(ctx, tx, placed.order);
    await tx.audit({ action: isTest ? "order.pay" : "order.create", subjectId: placed.order.id, detail: auditDetail(placed.order) });
    if (isTest) await tx.notify({ kind: "client", id: clientId });
    return isTest ? { ...placed.order, status: "paid" as const } : placed.order;
  });
  const payUrl = await openCheckout(ctx, order, method);
  return {
    orderId: order.id,
    product: order.product,
    bytes: order.bytes,
    amountMicroUsd: order.amountMicroUsd,
    balanceBytes: await readBalanceBytes(ctx.database, clientId),
    isTest: order.provider === "test",
    provider: order.provider,
    status: order.status,
    currency: order.currency,
    chargeMinor: order.chargeMinor,
    payUrl: order.status === "pending" ? payUrl : null,
  };
}

async function payTest(ctx: ServiceContext, tx: Transaction, order: LockedOrder): Promise<void> {
  const now = ctx.now();
  const payment = await addPayment(tx.db, order, { provider: "test", providerRef: `test:${order.id}`, now });
  await settleOrder(tx.db, order, payment, { actor: actorId(ctx.actor), now });
}

function auditDetail(order: LockedOrder) {
  const { clientId, product, provider, currency } = order;
  return {
    clientId,
    product,
    provider,
    currency,
    bytes: order.bytes.toString(),
    amountMicroUsd: order.amountMicroUsd.toString(),
    chargeMinor: order.chargeMinor.toString(),
    isTest: provider === "test",
  };
}
