import { AppError, chargeMinor, dueMicroUsd, newId, bytesPerGb } from "@karvon/domain";
import type { PaymentMethod } from "@karvon/payments";
import type { PriceFacts } from "../client/get-price.ts";
import type { BuyTrafficInput } from "../inputs/client.ts";
import type { DatabaseTransaction } from "../database.ts";
import { readRate } from "./charge-rule.ts";
import { lockOrder, type LockedOrder } from "./locked-order.ts";

export interface OrderPlan {
  readonly clientId: string;
  readonly input: BuyTrafficInput;
  readonly price: PriceFacts;
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
  const { clientId, input, method } = plan;
  const id = newId("ord", plan.now.getTime());
  const isNew = (await findId(db, plan)) === null && (await insertOrder(db, id, plan));
  const found = isNew ? id : await findId(db, plan);
  const order = found === null ? null : await lockOrder(db, found);
  if (order === null) throw new AppError("NOT_FOUND", "There is no such order.");
  if (order.clientId !== clientId || order.bytes !== BigInt(input.gigabytes) * bytesPerGb || order.provider !== method.provider)
    throw new AppError("IDEMPOTENCY_CONFLICT", "This purchase was made with another amount or provider. Start a new one.");
  return { order, isNew };
}

async function findId(db: DatabaseTransaction, { clientId, input }: OrderPlan): Promise<string | null> {
  const where = { clientId_idempotencyKey: { clientId, idempotencyKey: input.idempotencyKey } };
  return (await db.order.findUnique({ where, select: { id: true } }))?.id ?? null;
}

/** False when a twin has made it meanwhile. */
async function insertOrder(db: DatabaseTransaction, id: string, { clientId, input, price, method, now }: OrderPlan): Promise<boolean> {
  const rate = await readRate(db, method.currency);
  if (rate === null) throw new AppError("PROVIDER_UNAVAILABLE", "This way to pay has no exchange rate at the moment.");
  const bytes = BigInt(input.gigabytes) * bytesPerGb;
  const amountMicroUsd = dueMicroUsd(bytes, price.picoUsdPerByte);
  const charge = chargeMinor(amountMicroUsd, { minorPerUsd: rate.minorPerUsd, step: method.stepMinor });
  if (input.quotedMinor !== undefined && input.quotedMinor !== charge)
    throw new AppError("QUOTE_CHANGED", "The price or the exchange rate has changed. Look at the new total and buy again.");
  const count = await db.$executeRaw`
    insert into client_order (id, client_id, idempotency_key, price_id, bytes, amount_micro_usd, status, created_at,
      provider, currency, charge_minor, exchange_rate_id, expires_at)
    values (${id}, ${clientId}, ${input.idempotencyKey}, ${price.id}, ${bytes}, ${amountMicroUsd}, 'pending', ${now},
      ${method.provider}::"PaymentProvider", ${method.currency}, ${charge}, ${rate.id}, ${new Date(now.getTime() + method.orderLifeMs)})
    on conflict (client_id, idempotency_key) do nothing`;
  return count === 1;
}
