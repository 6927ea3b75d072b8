/** The ways to pay that this installation is set up for. */
import { bankTransfer, testPayments } from "./by-hand.ts";
import { type ClickSettings, createClick } from "./click/click.ts";
import { createPayme, type PaymeSettings } from "./payme/payme.ts";
import type { PaymentMethod, PaymentProvider } from "./port.ts";
import { createStripe, type StripeMethod, type StripeSettings } from "./stripe/stripe.ts";

export interface PaymentSettings {
  /** Whether the test provider may be used. */
  readonly test: boolean;
  readonly stripe: StripeSettings | null;
  readonly payme: PaymeSettings | null;
  readonly click: ClickSettings | null;
  readonly bankTransfer: BankSettings | null;
}

export interface BankSettings {
  /** Who is paid, and how: the lines that stand on an invoice, at most 12. */
  readonly details: readonly string[];
}

export interface PaymentMethods {
  /** In the order in which they are offered. */
  readonly list: readonly PaymentMethod[];
  find(provider: PaymentProvider): PaymentMethod | null;
  readonly settings: PaymentSettings;
  readonly stripe: StripeMethod | null;
}

export function openPaymentMethods(settings: PaymentSettings): PaymentMethods {
  const stripe = settings.stripe === null ? null : createStripe(settings.stripe);
  const list = [
    stripe,
    settings.payme === null ? null : createPayme(settings.payme),
    settings.click === null ? null : createClick(settings.click),
    settings.bankTransfer === null ? null : bankTransfer,
    settings.test ? testPayments : null,
  ].filter((method) => method !== null);
  return { list, settings, stripe, find: (provider) => list.find((method) => method.provider === provider) ?? null };
}

/** Programs without a shop, and tests of everything else. */
export const testPaymentsOnly: PaymentSettings = { test: true, stripe: null, payme: null, click: null, bankTransfer: null };
