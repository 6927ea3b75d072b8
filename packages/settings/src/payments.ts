/**
 * The variables of payments. A provider is set up when all of its required variables are there; some of them without the
 * others stop the start. docs/payments.md says where each is found. No message repeats a value: most are secrets.
 */
import { type Environment, read, SettingsError, textOf } from "./environment.ts";
import { readBlocks, readSwitch, readUrl, type ValueReading } from "./values.ts";

export const paymentVariables = [
  "KARVON_BANK_DETAILS",
  "KARVON_CLICK_MERCHANT_ID",
  "KARVON_CLICK_PAY_URL",
  "KARVON_CLICK_SECRET_KEY",
  "KARVON_CLICK_SERVICE_ID",
  "KARVON_CLICK_SOURCES",
  "KARVON_PAYME_CHECKOUT_URL",
  "KARVON_PAYME_KEY",
  "KARVON_PAYME_MERCHANT_ID",
  "KARVON_PAYME_SOURCES",
  "KARVON_STRIPE_API_URL",
  "KARVON_STRIPE_SECRET_KEY",
  "KARVON_STRIPE_WEBHOOK_SECRET",
  "KARVON_TEST_PAYMENTS",
] as const;

export interface PaymentVariables {
  /** Whether purchases with the test provider are offered. */
  readonly test: boolean;
  readonly stripe: { readonly secretKey: string; readonly webhookSecret: string; readonly apiUrl: string } | null;
  readonly payme: {
    readonly merchantId: string;
    readonly key: string;
    readonly checkoutUrl: string;
    readonly sources: readonly string[];
  } | null;
  readonly click: {
    readonly serviceId: string;
    readonly merchantId: string;
    readonly secretKey: string;
    readonly payUrl: string;
    readonly sources: readonly string[];
  } | null;
  readonly bankTransfer: { readonly details: readonly string[] } | null;
}

const detailLinesMax = 12;
const detailCharactersMax = 100;
const secretCharactersMax = 256;

/** `demo`: the test provider is offered with the demo, unless a variable says otherwise. */
export function readPaymentVariables(env: Environment, demo: boolean): PaymentVariables {
  return {
    test: read(env, "KARVON_TEST_PAYMENTS", readSwitch) ?? demo,
    stripe: readStripe(env),
    payme: readPayme(env),
    click: readClick(env),
    bankTransfer: readBankDetails(env),
  };
}

function readStripe(env: Environment): PaymentVariables["stripe"] {
  const apiUrl = readAddress(env, "KARVON_STRIPE_API_URL", "https://api.stripe.com");
  const values = readTogether(env, ["KARVON_STRIPE_SECRET_KEY", "KARVON_STRIPE_WEBHOOK_SECRET"]);
  if (values === null) return null;
  const [secretKey = "", webhookSecret = ""] = values;
  return { secretKey, webhookSecret, apiUrl };
}

function readPayme(env: Environment): PaymentVariables["payme"] {
  const checkoutUrl = readAddress(env, "KARVON_PAYME_CHECKOUT_URL", "https://checkout.paycom.uz");
  const sources = read(env, "KARVON_PAYME_SOURCES", readBlocks) ?? [];
  const values = readTogether(env, ["KARVON_PAYME_MERCHANT_ID", "KARVON_PAYME_KEY"]);
  if (values === null) return null;
  const [merchantId = "", key = ""] = values;
  return { merchantId, key, checkoutUrl, sources };
}

function readClick(env: Environment): PaymentVariables["click"] {
  const payUrl = readAddress(env, "KARVON_CLICK_PAY_URL", "https://my.click.uz/services/pay");
  const sources = read(env, "KARVON_CLICK_SOURCES", readBlocks) ?? [];
  const values = readTogether(env, ["KARVON_CLICK_SERVICE_ID", "KARVON_CLICK_MERCHANT_ID", "KARVON_CLICK_SECRET_KEY"]);
  if (values === null) return null;
  const [serviceId = "", merchantId = "", secretKey = ""] = values;
  return { serviceId, merchantId, secretKey, payUrl, sources };
}

function readAddress(env: Environment, name: string, usual: string): string {
  return (read(env, name, (text) => readUrl(text, ["http:", "https:"])) ?? usual).replace(/\/+$/, "");
}

/** All of them, or null when there is none. */
function readTogether(env: Environment, names: readonly string[]): readonly string[] | null {
  const values = names.map((name) => read(env, name, readSecret));
  if (values.every((value) => value === undefined)) return null;
  const missing = names.find((_name, at) => values[at] === undefined);
  if (missing !== undefined) {
    const given = names.find((_name, at) => values[at] !== undefined);
    throw new SettingsError(missing, `${missing} is not set although ${given} is; give ${names.join(", ")} together, or none.`);
  }
  return values.map((value) => value ?? "");
}

function readSecret(text: string): ValueReading<string> {
  if (/^[\x21-\x7e]+$/.test(text) && text.length <= secretCharactersMax) return { kind: "value", value: text };
  return { kind: "wrong", reason: `it has blanks or other odd characters, or more than ${secretCharactersMax}; copy it again` };
}

/** Lines of an invoice, separated by semicolons. */
function readBankDetails(env: Environment): PaymentVariables["bankTransfer"] {
  const text = textOf(env, "KARVON_BANK_DETAILS");
  if (text === undefined) return null;
  const details = text
    .split(";")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (details.length === 0 || details.length > detailLinesMax || details.some((line) => line.length > detailCharactersMax))
    throw new SettingsError(
      "KARVON_BANK_DETAILS",
      `KARVON_BANK_DETAILS is wrong: use 1 to ${detailLinesMax} lines of at most ${detailCharactersMax} characters, separated by semicolons.`,
    );
  return { details };
}
