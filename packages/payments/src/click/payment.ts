/**
 * What Click's two calls do to a payment. Pure: facts in, a decision out.
 *
 * A repeated Prepare gets the same number. A repeated Complete of a paid order gets -4, as Click wants it.
 * Source: docs.click.uz, "Click-API - Request", "Click-API - Error".
 */
import { type ClickCall, type ClickError, clickErrors } from "./request.ts";

export interface ClickPayment {
  /** Our number of it: merchant_prepare_id and merchant_confirm_id. */
  readonly number: bigint;
  readonly clickTransId: string;
  readonly status: "pending" | "succeeded" | "failed" | "refunded";
}

export interface ClickOrder {
  readonly status: "pending" | "paid" | "cancelled" | "refunded";
  readonly isExpired: boolean;
  readonly amountTiyin: bigint;
}

export interface ClickFacts {
  readonly call: ClickCall;
  readonly order: ClickOrder | null;
  /** The order's payment with Click's id. */
  readonly payment: ClickPayment | null;
}

type Refused = { readonly kind: "refused"; readonly error: ClickError };
const refuse = (error: ClickError): Refused => ({ kind: "refused", error });

export function decidePrepare({ call, order, payment }: ClickFacts): Refused | { readonly kind: "prepare" | "known" } {
  if (order === null) return refuse(clickErrors.order);
  if (call.amountTiyin !== order.amountTiyin) return refuse(clickErrors.amount);
  const error = refuseState(order, payment) ?? (call.clickError < 0 || order.isExpired ? clickErrors.cancelled : null);
  if (error !== null) return refuse(error);
  return { kind: payment === null ? "prepare" : "known" };
}

export function decideComplete({
  call,
  order,
  payment,
}: ClickFacts): Refused | { readonly kind: "pay" } | { readonly kind: "fail"; readonly error: ClickError } {
  if (order === null) return refuse(clickErrors.order);
  if (payment === null || payment.number !== call.prepareId) return refuse(clickErrors.transaction);
  if (call.amountTiyin !== order.amountTiyin) return refuse(clickErrors.amount);
  const error = refuseState(order, payment);
  if (error !== null) return refuse(error);
  return call.clickError < 0 ? { kind: "fail", error: clickErrors.cancelled } : { kind: "pay" };
}

/** An order that expired between Prepare and Complete is paid all the same: the buyer's money is already with Click. */
function refuseState(order: ClickOrder, payment: ClickPayment | null): ClickError | null {
  if (order.status === "paid" || payment?.status === "succeeded") return clickErrors.alreadyPaid;
  if (order.status !== "pending" || payment?.status === "failed" || payment?.status === "refunded") return clickErrors.cancelled;
  return null;
}
