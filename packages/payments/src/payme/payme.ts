import { asksNothing, type PaymentMethod } from "../port.ts";
import { accountField } from "./faults.ts";

export interface PaymeSettings {
  readonly merchantId: string;
  /** The cash box's key; in the sandbox its TEST_KEY. */
  readonly key: string;
  /** https://checkout.paycom.uz, or the sandbox's. */
  readonly checkoutUrl: string;
  /** CIDR blocks from which calls are taken; none means any. */
  readonly sources: readonly string[];
}

const orderLifeMs = 24 * 3_600_000;

/** Payme: soums, paid at Payme's own page; Payme then calls us (request.ts). A refund is Payme's CancelTransaction. */
export function createPayme({ merchantId, checkoutUrl }: PaymeSettings): PaymentMethod {
  return {
    ...asksNothing,
    provider: "payme",
    currency: "UZS",
    stepMinor: 100n,
    orderLifeMs,
    refundedBy: "provider",
    openCheckout: ({ orderId, chargeMinor, returnUrl }) =>
      Promise.resolve({ ref: null, payUrl: paymeLink({ checkoutUrl, merchantId, orderId, amountTiyin: chargeMinor, returnUrl }) }),
  };
}

export interface PaymeLink {
  readonly checkoutUrl: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly amountTiyin: bigint;
  readonly returnUrl: string;
}

/** Source: developer.help.paycom.uz, "Отправка чека по методу GET": base64 of `m=…;ac.order_id=…;a=…;c=…`. */
export function paymeLink({ checkoutUrl, merchantId, orderId, amountTiyin, returnUrl }: PaymeLink): string {
  const parts = [`m=${merchantId}`, `ac.${accountField}=${orderId}`, `a=${amountTiyin}`, ...(returnUrl === "" ? [] : [`c=${returnUrl}`])];
  return `${checkoutUrl}/${Buffer.from(parts.join(";")).toString("base64")}`;
}
