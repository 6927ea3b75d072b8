import type { PaymentProvider } from "@karvon/payments";

/** As documents write them. */
export const providerNames: Readonly<Record<PaymentProvider, string>> = {
  test: "test payment",
  stripe: "card (Stripe)",
  payme: "Payme",
  click: "Click",
  bank_transfer: "bank transfer",
};
