/**
 * Stripe Checkout: the buyer pays at Stripe's page, Stripe tells us by webhook.
 *
 * Every call carries an idempotency key made from the order's id, so that a call whose answer was lost can be made again.
 * Limits: 8 s a call, 2 retries; a webhook's timestamp is at most 300 s old.
 * Source: docs.stripe.com, "Idempotent requests", "Create a Session", "Expire a Session", "Create a refund", "Verify webhook signatures".
 */
import { Stripe } from "stripe";
import { type PaymentMethod, ProviderUnavailable } from "../port.ts";
import { readStripeEvent, type StripeNews } from "./events.ts";

export interface StripeSettings {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** https://api.stripe.com, or a simulator's. */
  readonly apiUrl: string;
}

export interface StripeMethod extends PaymentMethod {
  /** Null when the signature is wrong or too old. `body` is the text as it was received. */
  readWebhook(body: string, signature: string): StripeNews | null;
}

const callMsMax = 8_000;
const retriesMax = 2;
const signatureAgeSecondsMax = 300;
// Stripe takes 30 minutes to 24 hours; a minute less, because its clock is not ours.
const orderLifeMs = 24 * 3_600_000 - 60_000;

export function createStripe(settings: StripeSettings): StripeMethod {
  const client = openClient(settings);
  return {
    provider: "stripe",
    currency: "USD",
    stepMinor: 1n,
    orderLifeMs,
    refundedBy: "call",
    async openCheckout(checkout) {
      const session = await ask(() =>
        client.checkout.sessions.create(
          {
            mode: "payment",
            client_reference_id: checkout.orderId,
            metadata: { order_id: checkout.orderId },
            payment_intent_data: { metadata: { order_id: checkout.orderId } },
            line_items: [
              {
                quantity: 1,
                price_data: {
                  currency: "usd",
                  unit_amount: Number(checkout.chargeMinor),
                  product_data: { name: checkout.description },
                },
              },
            ],
            success_url: checkout.returnUrl,
            cancel_url: checkout.returnUrl,
            expires_at: Math.floor(checkout.expiresAt.getTime() / 1000),
          },
          { idempotencyKey: `checkout:${checkout.orderId}` },
        ),
      );
      return { ref: session.id, payUrl: session.url };
    },
    async closeCheckout(ref) {
      const session = await ask(() => client.checkout.sessions.retrieve(ref));
      // A complete session whose money is on its way can neither be expired nor counted on.
      if (session.status === "open") await ask(() => client.checkout.sessions.expire(ref));
      return session.status === "complete" ? "paid" : "closed";
    },
    async refund(orderId, captureRef) {
      await ask(() => client.refunds.create({ payment_intent: captureRef }, { idempotencyKey: `refund:${orderId}` }));
    },
    readWebhook(body, signature) {
      try {
        return readStripeEvent(client.webhooks.constructEvent(body, signature, settings.webhookSecret, signatureAgeSecondsMax));
      } catch (cause) {
        if (cause instanceof Stripe.errors.StripeSignatureVerificationError) return null;
        throw cause;
      }
    },
  };
}

function openClient({ secretKey, apiUrl }: StripeSettings): Stripe {
  const { protocol, hostname, port } = new URL(apiUrl);
  const isPlain = protocol === "http:";
  return new Stripe(secretKey, {
    host: hostname,
    port: port === "" ? (isPlain ? 80 : 443) : Number(port),
    protocol: isPlain ? "http" : "https",
    timeout: callMsMax,
    maxNetworkRetries: retriesMax,
    telemetry: false,
  });
}

async function ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof Stripe.errors.StripeError) throw new ProviderUnavailable("stripe", { cause, isRefusal: isRefusal(cause) });
    throw cause;
  }
}

/** Stripe's page "Error handling": these say that the request was not carried out; a lost connection or a 5xx says nothing. */
function isRefusal(cause: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  const { StripeAuthenticationError, StripeCardError, StripeInvalidRequestError, StripePermissionError, StripeRateLimitError } =
    Stripe.errors;
  const refusals = [StripeAuthenticationError, StripeCardError, StripeInvalidRequestError, StripePermissionError, StripeRateLimitError];
  return refusals.some((refusal) => cause instanceof refusal);
}
