/**
 * What Stripe's webhook events mean to an order. Pure; the signature is checked before (stripe.ts).
 *
 * Events come late, twice and out of order. Source: docs.stripe.com, "Fulfill orders", "Checkout Session object",
 * "Receive Stripe events in your webhook endpoint".
 */
import type Stripe from "stripe";

export type StripeNews =
  /** The money is there. */
  | {
      readonly kind: "paid";
      readonly orderId: string;
      readonly sessionId: string;
      readonly amountCents: bigint;
      readonly currency: string;
      /** The payment intent, which a refund names. */
      readonly captureRef: string | null;
    }
  /** Nobody can pay this session any more. */
  | { readonly kind: "failed"; readonly orderId: string; readonly sessionId: string; readonly why: string }
  | { readonly kind: "refunded"; readonly captureRef: string; readonly amountCents: bigint; readonly isWhole: boolean }
  | { readonly kind: "nothing" };

const nothing: StripeNews = { kind: "nothing" };

export function readStripeEvent(event: Stripe.Event): StripeNews {
  switch (event.type) {
    case "checkout.session.completed":
    case "checkout.session.async_payment_succeeded":
      return readPaid(event.data.object);
    case "checkout.session.async_payment_failed":
      return readFailed(event.data.object, "the payment was refused");
    case "checkout.session.expired":
      return readFailed(event.data.object, "nobody paid in time");
    case "charge.refunded":
      return readRefund(event.data.object);
    default:
      return nothing;
  }
}

/** A completed session may still wait for a bank (payment_status unpaid); then another event follows. */
function readPaid(session: Stripe.Checkout.Session): StripeNews {
  const orderId = session.client_reference_id;
  if (session.payment_status !== "paid" || orderId === null || session.amount_total === null) return nothing;
  return {
    kind: "paid",
    orderId,
    sessionId: session.id,
    amountCents: BigInt(session.amount_total),
    currency: (session.currency ?? "").toUpperCase(),
    captureRef: idOf(session.payment_intent),
  };
}

function readFailed(session: Stripe.Checkout.Session, why: string): StripeNews {
  const orderId = session.client_reference_id;
  return orderId === null ? nothing : { kind: "failed", orderId, sessionId: session.id, why };
}

function readRefund(charge: Stripe.Charge): StripeNews {
  const captureRef = idOf(charge.payment_intent);
  if (captureRef === null) return nothing;
  return { kind: "refunded", captureRef, amountCents: BigInt(charge.amount_refunded), isWhole: charge.refunded };
}

function idOf(value: string | { readonly id: string } | null): string | null {
  return typeof value === "string" || value === null ? value : value.id;
}
