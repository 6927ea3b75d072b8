/**
 * Orders and payments under a lock. Whoever decides about an order's money holds its row first: fifty messages about one
 * order come one after the other, and each sees what the one before it did.
 */
import type { Currency } from "@karvon/domain";
import type { PaymentProvider } from "@karvon/payments";
import type { DatabaseTransaction, Reader } from "../database.ts";
import type { OrderStatus } from "../views.ts";

export interface LockedOrder {
  readonly id: string;
  readonly number: bigint;
  readonly clientId: string;
  readonly product: "traffic" | "wallet";
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
  /** What its bytes are charged as when they are carried: at the version's price, whatever tier they were bought in. */
  readonly worthMicroUsd: bigint;
  readonly status: OrderStatus;
  readonly provider: PaymentProvider;
  readonly currency: Currency;
  readonly chargeMinor: bigint;
  readonly payUrl: string | null;
  readonly expiresAt: Date;
  /** See goods-hold.ts. */
  readonly refundHolds: number;
}

/** Null when there is none. A text that is no id finds nothing. */
export async function lockOrder(db: DatabaseTransaction, id: string): Promise<LockedOrder | null> {
  const [order] = await db.$queryRaw<LockedOrder[]>`
    select o.id, o.number, o.client_id as "clientId", o.product::text as product, o.bytes, o.amount_micro_usd as "amountMicroUsd",
           coalesce(div(o.bytes::numeric * p.pico_usd_per_byte, 1000000), 0)::bigint as "worthMicroUsd", o.status::text as status,
           o.provider::text as provider, o.currency, o.charge_minor as "chargeMinor", o.pay_url as "payUrl", o.expires_at as "expiresAt",
           o.refund_holds as "refundHolds"
      from client_order o left join price p on p.id = o.price_id where o.id = ${id} for no key update of o`;
  return order ?? null;
}

export const paymentFields = {
  id: true,
  number: true,
  orderId: true,
  provider: true,
  providerRef: true,
  captureRef: true,
  chargeMinor: true,
  status: true,
  createdAt: true,
  settledAt: true,
  cancelledAt: true,
  cancelReason: true,
  providerAt: true,
} as const;

export interface PaymentRow {
  readonly id: string;
  readonly number: bigint;
  readonly orderId: string;
  readonly provider: PaymentProvider;
  readonly providerRef: string;
  readonly captureRef: string | null;
  readonly chargeMinor: bigint;
  readonly status: "pending" | "succeeded" | "failed" | "refunded";
  readonly createdAt: Date;
  readonly settledAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly cancelReason: number | null;
  readonly providerAt: Date | null;
}

export function findPayment(db: Reader, provider: PaymentProvider, providerRef: string): Promise<PaymentRow | null> {
  return db.payment.findUnique({ where: { provider_providerRef: { provider, providerRef } }, select: paymentFields });
}

/** The payment that settled the order; null while none has. */
export function findSettled(db: Reader, orderId: string): Promise<PaymentRow | null> {
  return db.payment.findFirst({ where: { orderId, status: "succeeded" }, select: paymentFields });
}
