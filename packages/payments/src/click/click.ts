import { formatMinor } from "@karvon/domain";
import { asksNothing, type PaymentMethod } from "../port.ts";

export interface ClickSettings {
  readonly serviceId: string;
  readonly merchantId: string;
  readonly secretKey: string;
  /** https://my.click.uz/services/pay, or a simulator's. */
  readonly payUrl: string;
  /** CIDR blocks from which calls are taken; none means any. */
  readonly sources: readonly string[];
}

const orderLifeMs = 24 * 3_600_000;

/** Click: soums, paid at Click's own page; Click then calls us twice (request.ts). The SHOP API has no call for a refund. */
export function createClick({ serviceId, merchantId, payUrl }: ClickSettings): PaymentMethod {
  return {
    ...asksNothing,
    provider: "click",
    currency: "UZS",
    stepMinor: 100n,
    orderLifeMs,
    refundedBy: "admin",
    // Source: docs.click.uz, "Redirecting users to the payment page".
    openCheckout({ orderId, chargeMinor, returnUrl }) {
      const url = new URL(payUrl);
      url.searchParams.set("service_id", serviceId);
      url.searchParams.set("merchant_id", merchantId);
      url.searchParams.set("amount", formatMinor(chargeMinor));
      url.searchParams.set("transaction_param", orderId);
      url.searchParams.set("return_url", returnUrl);
      return Promise.resolve({ ref: null, payUrl: url.href });
    },
  };
}
