/** What stands on an invoice or a receipt. Amounts are those that were stored with the order: nobody works them out again. */
export interface OrderDocument {
  readonly kind: "invoice" | "receipt";
  readonly number: bigint;
  readonly orderId: string;
  readonly orderedAt: Date;
  readonly expiresAt: Date;
  readonly paidAt: Date | null;
  /** Nothing is to be paid then, unless it was paid all the same. */
  readonly cancelledAt: Date | null;
  readonly refundedAt: Date | null;
  readonly seller: readonly string[];
  readonly buyer: { readonly name: string | null; readonly email: string };
  /** What was bought, for example "5 GB of traffic". */
  readonly line: string;
  readonly currency: string;
  readonly chargeMinor: bigint;
  /** The price in US dollars and the rate, when the charge is in another currency. */
  readonly conversion: { readonly priceUsd: string; readonly perUsd: bigint } | null;
  readonly paidBy: string;
  /** By bank transfer, for which the buyer has to state a purpose. */
  readonly isTransfer: boolean;
  readonly paidRef: string | null;
  /** Paid with the test provider: no money moved. */
  readonly isTest: boolean;
}
