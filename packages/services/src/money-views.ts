/** What the panels see of money that people move. Types only; bytes and money are bigint, moments are Date. */
import type { VolumeTier } from "@karvon/domain";

export type PayoutStatus = "requested" | "checked" | "sent" | "paid" | "failed";
export type PayoutMethod = "iban" | "uz_account";
export type CorrectionKind = "correction" | "promotion";
export type CorrectionStatus = "proposed" | "posted" | "rejected";

export interface PayoutView {
  readonly id: string;
  readonly createdAt: Date;
  readonly amountMicroUsd: bigint;
  readonly method: PayoutMethod;
  readonly destination: string;
  readonly holderName: string;
  readonly status: PayoutStatus;
  /** Why no money went out; set when it failed. */
  readonly failure: string | null;
  /** What the bank calls the transfer; set when it is paid. */
  readonly reference: string | null;
  readonly checkedAt: Date | null;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
}

export interface AdminPayoutView extends PayoutView {
  readonly operatorEmail: string;
  readonly batchId: string | null;
  readonly checkedByEmail: string | null;
  readonly sentByEmail: string | null;
  readonly settledByEmail: string | null;
  /** Then somebody else must send it. */
  readonly isCheckedByMe: boolean;
}

export interface PayoutBatchView {
  readonly batchId: string;
  readonly count: number;
  readonly amountMicroUsd: bigint;
}

export interface CorrectionView {
  readonly id: string;
  readonly createdAt: Date;
  readonly kind: CorrectionKind;
  readonly side: "client" | "operator";
  readonly ownerEmail: string;
  readonly bytes: bigint;
  readonly microUsd: bigint;
  readonly reason: string;
  readonly status: CorrectionStatus;
  readonly rejection: string | null;
  readonly proposedByEmail: string;
  readonly decidedByEmail: string | null;
  readonly decidedAt: Date | null;
  /** Then somebody else must approve it. */
  readonly isProposedByMe: boolean;
}

/** What operators earn where the exit is in a country, or so connected; null stands for any. */
export interface RateView {
  readonly country: string | null;
  readonly connectionType: string | null;
  readonly operatorPicoUsdPerByte: bigint;
}

export interface PriceView {
  readonly id: string;
  readonly name: string;
  readonly picoUsdPerByte: bigint;
  readonly operatorPicoUsdPerByte: bigint;
  readonly validFrom: Date;
  readonly state: "current" | "planned" | "past" | "unlisted";
  /** How many clients have agreed on it. */
  readonly clients: number;
  readonly rates: readonly RateView[];
  readonly tiers: readonly VolumeTier[];
}

/** A price with its tiers, the lowest first, and the bytes that the client bought in the month so far. */
export interface ClientPriceView {
  readonly picoUsdPerByte: bigint;
  readonly tiers: readonly VolumeTier[];
  readonly monthBytes: bigint;
}

export interface WalletView {
  /** Money turns into bytes when there are too few of them. */
  readonly isOn: boolean;
  readonly balanceMicroUsd: bigint;
  /** What may be spent in a calendar month (UTC); null is no cap. */
  readonly capMicroUsd: bigint | null;
  readonly monthMicroUsd: bigint;
  /** What the next lot costs for a byte: the client's price, or that of the tier it is in. */
  readonly picoUsdPerByte: bigint | null;
  /** What the wallet would buy now, under the cap; 0 while it is off. */
  readonly spendableBytes: bigint;
}

export interface RateCardView {
  readonly validFrom: Date;
  readonly operatorPicoUsdPerByte: bigint;
  readonly rates: readonly RateView[];
}

/** What one report said of a session that the ledger refused for good. */
export interface DeadLetterView {
  readonly id: bigint;
  readonly gatewayId: string;
  readonly sessionId: string;
  readonly sampledAt: Date;
  readonly refusedAt: Date;
  readonly sqlstate: string;
  readonly message: string;
  /** Facts and counters as JSON. */
  readonly report: string;
}
