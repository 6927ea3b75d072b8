import { AppError, chargeMinor, newId } from "@karvon/domain";
import type { PaymentMethod } from "@karvon/payments";
import type { DatabaseTransaction } from "../database.ts";
import { readRate } from "./charge-rule.ts";
import { lockOrder, type LockedOrder } from "./locked-order.ts";

/** Traffic at the client's price, or money for its wallet. */
export interface Goods {
  readonly product: "traffic" | "wallet";
  /** The version by which traffic is priced. */
  readonly priceId: string | null;
  /** 0 for money. */
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
}

export interface OrderPlan {
  readonly clientId: string;
  readonly goods: Goods;
  readonly request: { readonly idempotencyKey: string; readonly quotedMinor?: bigint | undefined };
  readonly method: PaymentMethod;
  readonly now: Date;
}

export interface PlacedOrder {
  readonly order: LockedOrder;
  readonly isNew: boolean;
}

/**
 * The order of that key, made when there is none. A twin that comes at the same moment waits for the first to commit.
 * IDEMPOTENCY_CONFLICT when the key stands for another purchase, QUOTE_CHANGED when the charge is not the one that was shown.
 */
export async function placeOrder(db: DatabaseTransaction, plan: OrderPlan): Promise<PlacedOrder> {
  const { clientId, goods, method } = plan;
  const id = newId("ord", plan.now.getTime());
  const isNew = (await findId(db, plan)) === null && (await insertOrder(db, id, plan));
  const found = isNew ? id : await findId(db, plan);
  const order = found === null ? null : await lockOrder(db, found);
  if (order === null) throw new AppError("NOT_FOUND", "There is no such order.");
  if (order.clientId !== clientId || !isFor(order, goods) || order.provider !== method.provider)
    throw new AppError("IDEMPOTENCY_CONFLICT", "This purchase was made with another amount or provider. Start a new one.");
  return { order, isNew };
}

/** The price of traffic may have changed since: the order keeps the one that it was placed with. */
function isFor(order: LockedOrder, goods: Goods): boolean {
  if (order.product !== goods.product) return false;
  return goods.product === "traffic" ? order.bytes === goods.bytes : order.amountMicroUsd === goods.amountMicroUsd;
}

async function findId(db: DatabaseTransaction, { clientId, request }: OrderPlan): Promise<string | null> {
  const where = { clientId_idempotencyKey: { clientId, idempotencyKey: request.idempotencyKey } };
  return (await db.order.findUnique({ where, select: { id: true } }))?.id ?? null;
}

/** False when a twin has made it meanwhile. */
async function insertOrder(db: DatabaseTransaction, id: string, { clientId, goods, request, method, now }: OrderPlan): Promise<boolean> {
  const rate = await readRate(db, method.currency);
  if (rate === null) throw new AppError("PROVIDER_UNAVAILABLE", "This way to pay has no exchange rate at the moment.");
  const { product, priceId, bytes, amountMicroUsd } = goods;
  const charge = chargeMinor(amountMicroUsd, { minorPerUsd: rate.minorPerUsd, step: method.stepMinor });
  if (request.quotedMinor !== undefined && request.quotedMinor !== charge)
    throw new AppError("QUOTE_CHANGED", "The price or the exchange rate has changed. Look at the new total and buy again.");
  const count = await db.$executeRaw`
    insert into client_order (id, client_id, idempotency_key, product, price_id, bytes, amount_micro_usd, status, created_at,
      provider, currency, charge_minor, exchange_rate_id, expires_at)
    values (${id}, ${clientId}, ${request.idempotencyKey}, ${product}::"OrderProduct", ${priceId}, ${bytes}, ${amountMicroUsd}, 'pending', ${now},
      ${method.provider}::"PaymentProvider", ${method.currency}, ${charge}, ${rate.id}, ${new Date(now.getTime() + method.orderLifeMs)})
    on conflict (client_id, idempotency_key) do nothing`;
  return count === 1;
}
