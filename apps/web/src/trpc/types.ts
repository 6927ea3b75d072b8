/** What the procedures answer, by name, for the islands that show it. Types only: no server code reaches a browser. */
import type { RouterOutputs } from "@karvon/api";

export type ClientOverview = RouterOutputs["client"]["overview"];
export type ClientSession = RouterOutputs["client"]["sessions"]["items"][number];
export type ClientRefusal = RouterOutputs["client"]["refusals"]["items"][number];
export type LedgerLine = RouterOutputs["client"]["ledger"]["items"][number];
export type Order = RouterOutputs["client"]["orders"]["items"][number];
export type PaymentMethod = RouterOutputs["client"]["paymentMethods"][number];
export type Purchase = RouterOutputs["client"]["buyTraffic"];
export type ClientPrice = RouterOutputs["client"]["price"];
export type Wallet = RouterOutputs["client"]["wallet"]["show"];
export type Pack = RouterOutputs["client"]["packs"][number];
export type Allowlist = RouterOutputs["client"]["allowlist"]["list"];
export type ProxyUser = RouterOutputs["client"]["proxyUsers"]["list"][number];
export type TagCap = RouterOutputs["client"]["tagCaps"]["list"][number];
export type Endpoint = RouterOutputs["client"]["endpoint"];
export type Node = RouterOutputs["operator"]["nodes"]["list"][number];
export type OperatorSession = RouterOutputs["operator"]["sessions"]["items"][number];
export type OperatorOverview = RouterOutputs["operator"]["overview"];
export type Enrolment = RouterOutputs["operator"]["enrolment"]["list"][number];
export type Earnings = RouterOutputs["operator"]["earnings"];
export type Payout = RouterOutputs["operator"]["payouts"]["list"]["items"][number];
export type AdminOverview = RouterOutputs["admin"]["overview"];
export type AdminUser = RouterOutputs["admin"]["users"]["items"][number];
export type ClientAllowlist = RouterOutputs["admin"]["allowlist"]["list"];
export type Price = RouterOutputs["admin"]["prices"]["list"]["items"][number];
export type Tier = Price["tiers"][number];
export type Rate = Price["rates"][number];
export type AdminPayout = RouterOutputs["admin"]["payouts"]["list"]["items"][number];
export type Correction = RouterOutputs["admin"]["corrections"]["list"]["items"][number];
export type AdminOrder = RouterOutputs["admin"]["orders"]["items"][number];
export type ExchangeRate = RouterOutputs["admin"]["exchangeRates"][number];
export type AdminNode = RouterOutputs["admin"]["nodes"]["items"][number];
export type AdminSession = RouterOutputs["admin"]["sessions"]["items"][number];
export type AdminRefusal = RouterOutputs["admin"]["refusals"]["items"][number];
export type Reconciliation = RouterOutputs["admin"]["reconciliation"];
export type ReconciliationRun = Reconciliation["history"][number];
export type ReconciliationCheck = NonNullable<Reconciliation["lastRun"]>["checks"][number];
/** What both sides' receipts have. */
export type SessionReceipt = Omit<RouterOutputs["operator"]["receipt"], "nodeId" | "nodeLabel">;
export type AuditRow = RouterOutputs["admin"]["audit"]["items"][number];
export type SignInSession = RouterOutputs["auth"]["sessions"]["list"][number];
/** One second of the whole network. */
export interface Tick {
  readonly atMs: number;
  readonly sessionsOpen: number;
  readonly tunnels: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly unflushedBytes: number;
  readonly flushLagMs: number;
  readonly refusals: Readonly<Record<string, number>>;
}
