/** The two ways to pay at which no provider's server has a part. */
import { asksNothing, type PaymentMethod } from "./port.ts";

const hourMs = 3_600_000;

/** THE TEST PROVIDER: every purchase succeeds at once and no money moves. Every surface says so. */
export const testPayments: PaymentMethod = {
  ...asksNothing,
  provider: "test",
  currency: "USD",
  stepMinor: 1n,
  orderLifeMs: hourMs,
  refundedBy: "admin",
  openCheckout: () => Promise.resolve({ ref: null, payUrl: null }),
};

/** An invoice that is paid at a bank. An admin who sees the money confirms it. */
export const bankTransfer: PaymentMethod = {
  ...asksNothing,
  provider: "bank_transfer",
  currency: "USD",
  stepMinor: 1n,
  orderLifeMs: 14 * 24 * hourMs,
  refundedBy: "admin",
  openCheckout: () => Promise.resolve({ ref: null, payUrl: null }),
};
