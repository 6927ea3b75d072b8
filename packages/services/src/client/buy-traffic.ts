import { createHash } from "node:crypto";
import { AppError, bytesPerGb, dueMicroUsd, newId } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { BuyTrafficInput } from "../inputs/client.ts";
import { postLedger, readBalanceBytes } from "../sql-functions.ts";
import { transact, type Transaction } from "../transaction.ts";
import type { PurchaseView } from "../views.ts";
import { getPrice, type PriceFacts } from "./get-price.ts";

interface OrderRow {
  readonly id: string;
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
}

/**
 * Buys traffic with the test payment provider: it always succeeds, no money moves, and every surface says so.
 *
 * Order, payment and ledger entries are one transaction. The same key again answers with the same order and changes
 * nothing; the same key with another amount is IDEMPOTENCY_CONFLICT. Keys are the client's own and never expire.
 */
export async function buyTraffic(ctx: ServiceContext, input: BuyTrafficInput): Promise<PurchaseView> {
  const { clientId } = requireClient(ctx);
  const price = await getPrice(ctx, clientId, ctx.now());
  return transact(ctx, async (tx) => {
    const order = await writeOrder(ctx, tx, clientId, input, price);
    if (order === null) return findEarlier(tx, clientId, input);
    await pay(ctx, tx, clientId, order);
    const balanceBytes = await readBalanceBytes(tx.db, clientId);
    await tx.audit({
      action: "order.pay",
      subjectId: order.id,
      detail: { clientId, bytes: order.bytes.toString(), amountMicroUsd: order.amountMicroUsd.toString(), provider: "test", isTest: true },
    });
    await tx.notify({ kind: "client", id: clientId });
    return { orderId: order.id, bytes: order.bytes, amountMicroUsd: order.amountMicroUsd, balanceBytes, isTest: true };
  });
}

/** The new order, or null when this key has one. A twin that comes at the same moment waits here for the first to commit. */
async function writeOrder(
  ctx: ServiceContext,
  tx: Transaction,
  clientId: string,
  input: BuyTrafficInput,
  price: PriceFacts,
): Promise<OrderRow | null> {
  const now = ctx.now();
  const bytes = BigInt(input.gigabytes) * bytesPerGb;
  const order = { id: newId("ord", now.getTime()), bytes, amountMicroUsd: dueMicroUsd(bytes, price.picoUsdPerByte) };
  const count = await tx.db.$executeRaw`
    insert into client_order (id, client_id, idempotency_key, price_id, bytes, amount_micro_usd, status, created_at, paid_at)
    values (${order.id}, ${clientId}, ${input.idempotencyKey}, ${price.id}, ${order.bytes}, ${order.amountMicroUsd}, 'paid', ${now}, ${now})
    on conflict (client_id, idempotency_key) do nothing`;
  return count === 1 ? order : null;
}

async function pay(ctx: ServiceContext, tx: Transaction, clientId: string, order: OrderRow): Promise<void> {
  const now = ctx.now();
  await tx.db.payment.create({
    data: {
      id: newId("pay", now.getTime()),
      orderId: order.id,
      provider: "test",
      providerRef: `test:${order.id}`,
      amountMicroUsd: order.amountMicroUsd,
      status: "succeeded",
      createdAt: now,
      settledAt: now,
    },
    select: { id: true },
  });
  await postLedger(tx.db, {
    key: `order:${order.id}`,
    kind: "top_up",
    actor: clientId,
    requestSha256: createHash("sha256")
      .update(JSON.stringify([order.id, order.bytes.toString(), order.amountMicroUsd.toString()]))
      .digest(),
    entries: [
      { kind: "bytes_issued", amount: -order.bytes },
      { kind: "client_bytes", ownerId: clientId, amount: order.bytes },
      { kind: "payment_clearing", amount: -order.amountMicroUsd },
      { kind: "client_usd", ownerId: clientId, amount: order.amountMicroUsd },
    ],
  });
}

async function findEarlier(tx: Transaction, clientId: string, input: BuyTrafficInput): Promise<PurchaseView> {
  const order = await tx.db.order.findUniqueOrThrow({
    where: { clientId_idempotencyKey: { clientId, idempotencyKey: input.idempotencyKey } },
    select: { id: true, bytes: true, amountMicroUsd: true, payments: { select: { provider: true } } },
  });
  if (order.bytes !== BigInt(input.gigabytes) * bytesPerGb) {
    throw new AppError("IDEMPOTENCY_CONFLICT", "This purchase was made with another amount. Start a new one.");
  }
  const balanceBytes = await readBalanceBytes(tx.db, clientId);
  const isTest = order.payments.every((payment) => payment.provider === "test");
  return { orderId: order.id, bytes: order.bytes, amountMicroUsd: order.amountMicroUsd, balanceBytes, isTest };
}
