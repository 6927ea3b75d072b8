/** How both panels read an order. */
import type { OrderView } from "../views.ts";

export type OrderRow = Omit<OrderView, "isExpired">;

/** Of `client_order o`. The last failure is shown while nothing has paid the order. */
export const orderColumns = `
    o.id, o.number, o.created_at as "createdAt", o.paid_at as "paidAt", o.product::text as product, o.bytes, o.amount_micro_usd as "amountMicroUsd", o.status::text as status,
    o.provider::text as provider, o.currency, o.charge_minor as "chargeMinor", o.pay_url as "payUrl", o.expires_at as "expiresAt",
    (select p.provider_ref from payment p where p.order_id = o.id and p.status in ('succeeded', 'refunded')) as "paidRef",
    (select p.failure from payment p where p.order_id = o.id and p.status = 'failed' order by p.cancelled_at desc, p.id desc limit 1) as "lastFailure"`;

/** A link is shown as long as it leads to a payment. */
export function showOrder(row: OrderRow, now: Date): OrderView {
  const isExpired = row.status === "pending" && row.expiresAt <= now;
  const isPayable = row.status === "pending" && !isExpired;
  return {
    id: row.id,
    number: row.number,
    createdAt: row.createdAt,
    paidAt: row.paidAt,
    product: row.product,
    bytes: row.bytes,
    amountMicroUsd: row.amountMicroUsd,
    status: row.status,
    provider: row.provider,
    currency: row.currency,
    chargeMinor: row.chargeMinor,
    payUrl: isPayable ? row.payUrl : null,
    expiresAt: row.expiresAt,
    isExpired,
    paidRef: row.paidRef,
    lastFailure: row.status === "paid" || row.status === "refunded" ? null : row.lastFailure,
  };
}
