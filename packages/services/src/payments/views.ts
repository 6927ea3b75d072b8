/** What the panels see of orders and payments. Types only, as in views.ts. */
import type { Currency } from "@karvon/domain";
import type { PaymentProvider } from "@karvon/payments";

export type OrderStatus = "pending" | "paid" | "cancelled" | "refunded";
/** Traffic, or money for the wallet. */
export type OrderProduct = "traffic" | "wallet";
export interface PurchaseView {
  readonly orderId: string;
  readonly product: OrderProduct;
  /** 0 for money. */
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
  readonly balanceBytes: bigint;
  /** No real money moved. */
  readonly isTest: boolean;
  readonly provider: PaymentProvider;
  readonly status: OrderStatus;
  readonly currency: Currency;
  readonly chargeMinor: bigint;
  /** Where the buyer pays; null when that is nowhere, or done. */
  readonly payUrl: string | null;
}

/** A way to pay. A charge is the price times `minorPerUsd`, rounded up to a multiple of `stepMinor`. */
export interface PaymentMethodView {
  readonly provider: PaymentProvider;
  readonly currency: Currency;
  readonly minorPerUsd: bigint;
  readonly stepMinor: bigint;
}

export interface OrderView {
  readonly id: string;
  /** The number on the invoice. */
  readonly number: bigint;
  readonly createdAt: Date;
  readonly paidAt: Date | null;
  readonly product: OrderProduct;
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
  readonly status: OrderStatus;
  readonly provider: PaymentProvider;
  readonly currency: Currency;
  readonly chargeMinor: bigint;
  /** Null when there is nothing to pay, or nowhere to go for it. */
  readonly payUrl: string | null;
  readonly expiresAt: Date;
  /** Pending, but no payment may begin any more. */
  readonly isExpired: boolean;
  /** The provider's reference of the payment that paid it. */
  readonly paidRef: string | null;
  /** Why the last try to pay failed, while none has succeeded. */
  readonly lastFailure: string | null;
}

export interface AdminOrderView extends OrderView {
  readonly clientEmail: string;
  /** Who sends money back; null when the provider is not set up any more. */
  readonly refundedBy: "call" | "admin" | "provider" | null;
}

export interface ExchangeRateView {
  readonly id: string;
  readonly currency: string;
  readonly minorPerUsd: bigint;
  readonly setBy: string;
  readonly validFrom: Date;
}
