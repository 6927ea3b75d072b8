import { describe, expect, test } from "vitest";
import { readSettings, SettingsError } from "./settings.ts";

const secret = "a-generated-secret";

function refusal(env: Record<string, string>): string {
  try {
    readSettings(env, "/base");
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error("the settings were accepted");
}

describe("payment settings", () => {
  test("offer only the test provider with the demo, and nothing without it", () => {
    expect(readSettings({}, "/base").payments).toEqual({ test: true, stripe: null, payme: null, click: null, bankTransfer: null });
    expect(readSettings({ KARVON_DEMO: "0" }, "/base").payments.test).toBe(false);
    expect(readSettings({ KARVON_DEMO: "0", KARVON_TEST_PAYMENTS: "1" }, "/base").payments.test).toBe(true);
  });

  test("read every provider, with the providers' own addresses where none is given", () => {
    const { payments } = readSettings(
      {
        KARVON_STRIPE_SECRET_KEY: secret,
        KARVON_STRIPE_WEBHOOK_SECRET: secret,
        KARVON_PAYME_MERCHANT_ID: "merchant",
        KARVON_PAYME_KEY: secret,
        KARVON_PAYME_SOURCES: "192.0.2.0/28",
        KARVON_CLICK_SERVICE_ID: "1",
        KARVON_CLICK_MERCHANT_ID: "2",
        KARVON_CLICK_SECRET_KEY: secret,
        KARVON_CLICK_PAY_URL: "http://127.0.0.1:9/pay/",
        KARVON_BANK_DETAILS: "Karvon LLC; Account 1 ;",
      },
      "/base",
    );
    expect(payments).toEqual({
      test: true,
      stripe: { secretKey: secret, webhookSecret: secret, apiUrl: "https://api.stripe.com" },
      payme: { merchantId: "merchant", key: secret, checkoutUrl: "https://checkout.paycom.uz", sources: ["192.0.2.0/28"] },
      click: { serviceId: "1", merchantId: "2", secretKey: secret, payUrl: "http://127.0.0.1:9/pay", sources: [] },
      bankTransfer: { details: ["Karvon LLC", "Account 1"] },
    });
  });

  test("refuse half a provider and name what is missing", () => {
    expect(refusal({ KARVON_STRIPE_SECRET_KEY: secret })).toMatch(
      /^KARVON_STRIPE_WEBHOOK_SECRET is not set although KARVON_STRIPE_SECRET_KEY is/,
    );
    expect(refusal({ KARVON_CLICK_SECRET_KEY: secret })).toMatch(/^KARVON_CLICK_SERVICE_ID is not set/);
  });

  test("never repeat a secret", () => {
    expect(refusal({ KARVON_PAYME_MERCHANT_ID: "m", KARVON_PAYME_KEY: "hunter2 hunter2" })).not.toContain("hunter2");
  });

  test("refuse an invoice that says nothing, or too much", () => {
    expect(refusal({ KARVON_BANK_DETAILS: ";;" })).toMatch(/^KARVON_BANK_DETAILS is wrong/);
    expect(refusal({ KARVON_BANK_DETAILS: Array.from({ length: 13 }, () => "x").join(";") })).toMatch(/^KARVON_BANK_DETAILS is wrong/);
  });
});
