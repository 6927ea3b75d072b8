/**
 * The provider port: what the platform asks of a way to pay, and what it is told.
 *
 * A provider never sees the database and never decides what an order is worth: it gets the amount that was quoted, shows the
 * buyer where to pay, and reads what the provider's servers say. Whether that is booked is decided by packages/services.
 */
import type { Currency } from "@karvon/domain";

export type PaymentProvider = "test" | "stripe" | "payme" | "click" | "bank_transfer";

/** An order as a provider hears of it. */
export interface Checkout {
  readonly orderId: string;
  /** The number that people say: it stands on the invoice. */
  readonly orderNumber: bigint;
  /** One line for the buyer, for example "5 GB of traffic". */
  readonly description: string;
  /** Smallest units of the provider's currency. */
  readonly chargeMinor: bigint;
  /** Where the buyer's browser comes back to. It proves nothing: only the provider's own message does. */
  readonly returnUrl: string;
  readonly expiresAt: Date;
}

export interface OpenedCheckout {
  /** The provider's id of this payment, when it has one before anybody has paid. */
  readonly ref: string | null;
  /** Null when the buyer pays elsewhere (a bank). */
  readonly payUrl: string | null;
}

/** Who sends the money back when an admin refunds an order. */
export type RefundedBy =
  /** Our call to the provider. */
  | "call"
  /** The admin, outside the platform, who then books it here. */
  | "admin"
  /** The provider, whose message books it; an admin starts it in the provider's cabinet. */
  | "provider";

export interface PaymentMethod {
  readonly provider: PaymentProvider;
  readonly currency: Currency;
  /** Charges are multiples of this many smallest units. */
  readonly stepMinor: bigint;
  /** How long an order waits for its payment. */
  readonly orderLifeMs: number;
  readonly refundedBy: RefundedBy;
  /** Asking again for the same order answers with the same payment. Rejects with ProviderUnavailable. */
  openCheckout(checkout: Checkout): Promise<OpenedCheckout>;
  /** Makes sure that nobody can pay any more; "paid" when somebody has. Rejects with ProviderUnavailable. */
  closeCheckout(ref: string): Promise<"closed" | "paid">;
  /** Sends the whole amount back, once, however often it is called. Rejects with ProviderUnavailable. */
  refund(orderId: string, captureRef: string): Promise<void>;
}

/** The provider's servers did not answer, or said no. `message` may be shown; `cause` may not. */
export class ProviderUnavailable extends Error {
  /** It said no: nothing has happened there. False where what was asked may have been done. */
  readonly isRefusal: boolean;

  constructor(provider: PaymentProvider, { isRefusal = false, ...options }: ErrorOptions & { readonly isRefusal?: boolean } = {}) {
    super(`The payment provider (${provider}) does not answer. Try again later.`, options);
    this.name = "ProviderUnavailable";
    this.isRefusal = isRefusal;
  }
}

/** For providers of which nothing is to be asked while an order is open. */
export const asksNothing = {
  closeCheckout: () => Promise.resolve("closed" as const),
  refund: () => Promise.resolve(),
};
