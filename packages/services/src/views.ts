/**
 * What the panels see. Types only: each is a list of named fields, so that a new column is never shown by accident.
 * Bytes and money are bigint (micro-USD), moments are Date.
 */
import type { WalletView } from "./money-views.ts";

export type * from "./payments/views.ts";

export type Role = "client" | "operator" | "admin";
export type AccountStatus = "active" | "suspended";
export type NodeStatus = "active" | "paused" | "suspended" | "retired";
export type NodeState = "serving" | "idle" | "limited" | "draining" | "offline";
export type NetworkKind = "wifi" | "cellular" | "ethernet" | "unknown";
export type LedgerAsset = "BYTE" | "USD6";
export type LedgerTxKind = "usage" | "top_up" | "refund" | "payout" | "correction" | "grant_lost" | "wallet_lot";
/** A client's traffic, what it is worth, and its wallet; an operator's earnings. */
export type LedgerAccountName = "traffic" | "worth" | "wallet" | "earnings";

export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

export interface Viewer {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly displayName: string | null;
  readonly isDemo: boolean;
}

export interface SignInSessionView {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly isCurrent: boolean;
}

// ── Client ──────────────────────────────────────────────────────────────────────────────────────
export interface ClientUsage {
  readonly upBytes: bigint;
  readonly downBytes: bigint;
  readonly dueMicroUsd: bigint;
}
export interface ClientUsageHour extends ClientUsage {
  readonly hour: Date;
}
export interface ClientOverview {
  readonly balanceBytes: bigint;
  readonly balanceMicroUsd: bigint;
  readonly picoUsdPerByte: bigint;
  readonly sessionsOpen: number;
  readonly today: ClientUsage;
  readonly month: ClientUsage;
  readonly proxyUserCount: number;
  /** The last 24 hours, oldest first; hours without traffic are there with zeros. */
  readonly hours: ClientUsageHour[];
  readonly checklist: {
    readonly emailConfirmed: boolean;
    readonly hasTraffic: boolean;
    readonly hasProxyUser: boolean;
    readonly hasFirstRequest: boolean;
  };
}
export interface TrafficPack {
  readonly gigabytes: number;
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
  readonly picoUsdPerByte: bigint;
}
export interface ProxyUserView {
  readonly id: string;
  readonly username: string;
  readonly label: string | null;
  readonly status: "active" | "disabled";
  readonly createdAt: Date;
  /** In total, and in the day and the month of UTC that run now. */
  readonly usedBytes: bigint;
  readonly dayUsedBytes: bigint;
  readonly monthUsedBytes: bigint;
  readonly trafficLimitBytes: bigint | null;
  readonly dayLimitBytes: bigint | null;
  readonly monthLimitBytes: bigint | null;
  readonly concurrencyMax: number | null;
  /** CIDR blocks; none means from anywhere. */
  readonly allowedSources: readonly string[];
  /** Host names and CIDR blocks; none means any. */
  readonly allowedHosts: readonly string[];
  /** Addresses from which no password is needed. */
  readonly allowlistSize: number;
}
/** What sessions with a tag may carry, and what they have since it got its first cap. */
export interface TagCapView {
  readonly tag: string;
  readonly usedBytes: bigint;
  readonly dayUsedBytes: bigint;
  readonly monthUsedBytes: bigint;
  readonly totalLimitBytes: bigint | null;
  readonly dayLimitBytes: bigint | null;
  readonly monthLimitBytes: bigint | null;
  readonly createdAt: Date;
}
export interface AllowlistEntryView {
  readonly id: string;
  readonly proxyUserId: string;
  /** An address, or a block such as 9.9.9.0/24. */
  readonly block: string;
  /** Empty, or as they follow the user in a proxy username: "-country-de". */
  readonly defaultParameters: string;
  readonly createdAt: Date;
}
export interface AllowlistView {
  readonly entries: AllowlistEntryView[];
  /** Where this request comes from; only a public address can be listed. */
  readonly here: { readonly address: string; readonly isPublic: boolean } | null;
  /** Public addresses from which programs of the client logged in with a password lately, newest first, 10 at most. */
  readonly shown: string[];
}
export interface ProxyUserSecret {
  readonly id: string;
  readonly username: string;
  /** Shown once; only its hash is kept. */
  readonly password: string;
}
/** Serving nodes that a request would find; `residential` includes Wi-Fi, as it does when asked for. */
export interface NodeCount {
  readonly nodes: number;
  readonly byType: { readonly mobile: number; readonly wifi: number; readonly residential: number };
}
export interface CountryAvailability extends NodeCount {
  readonly country: string;
}
export interface Availability {
  readonly countries: CountryAvailability[];
  readonly total: number;
}
/** `ask` is what a proxy username says for it: `state-…`, `city-…`, `asn-…`. */
export interface PlaceAvailability extends NodeCount {
  readonly name: string;
  readonly ask: string;
}
/** The places and networks of one country, most nodes first. */
export interface CountryPlaces extends CountryAvailability {
  readonly states: PlaceAvailability[];
  readonly cities: PlaceAvailability[];
  readonly networks: PlaceAvailability[];
}
export interface EndpointView extends Availability {
  /** One of the username forms names the account. */
  readonly clientId: string;
  readonly host: string;
  readonly port: number;
}
export interface ClientSessionView {
  readonly id: string;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly protocol: string;
  readonly targetHost: string;
  readonly targetPort: number;
  readonly exitAddress: string | null;
  readonly exitCountry: string | null;
  readonly exitCity: string | null;
  readonly connectionType: string | null;
  readonly proxyUsername: string;
  readonly upBytes: bigint;
  readonly downBytes: bigint;
  readonly dueMicroUsd: bigint;
  readonly closeReason: string | null;
}
/** What one session cost, and of what the sum is made. */
export interface SessionReceipt {
  readonly id: string;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly closeReason: string | null;
  readonly protocol: string;
  readonly targetHost: string;
  readonly upBytes: bigint;
  readonly downBytes: bigint;
  readonly price: { readonly id: string; readonly name: string; readonly picoUsdPerByte: bigint };
  /** Floor of all bytes times the price: what is owed, or what is earned. */
  readonly amountMicroUsd: bigint;
  readonly country: string | null;
  readonly city: string | null;
  readonly connectionType: string | null;
  /** Nodes that were tried before the one that served; nothing of them is in the sum. */
  readonly failedAttempts: number;
}
export interface ClientReceipt extends SessionReceipt {
  readonly targetPort: number;
  readonly proxyUsername: string;
  readonly tag: string | null;
}
export interface OperatorReceipt extends SessionReceipt {
  readonly nodeId: string;
  readonly nodeLabel: string;
}
export interface RefusalView {
  readonly id: string;
  readonly at: Date;
  readonly code: string;
  readonly detail: string;
  readonly action: string;
  readonly protocol: string;
  readonly targetHost: string | null;
  readonly targetPort: number | null;
}
export interface AdminRefusalView extends RefusalView {
  readonly clientAddress: string | null;
  /** Null when nobody was known for certain. */
  readonly clientEmail: string | null;
  readonly proxyUsername: string | null;
}
export interface LedgerLine {
  readonly txId: bigint;
  readonly at: Date;
  readonly kind: LedgerTxKind;
  readonly account: LedgerAccountName;
  readonly asset: LedgerAsset;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  /** Why staff wrote it, or which order it belongs to; null for what nobody has to explain. */
  readonly note: string | null;
}
export interface LiveTraffic {
  readonly atMs: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly sessionsOpen: number;
}

// ── Operator ────────────────────────────────────────────────────────────────────────────────────
export interface OperatorUsage {
  readonly bytes: bigint;
  readonly earnedMicroUsd: bigint;
}
export interface OperatorUsageHour extends OperatorUsage {
  readonly hour: Date;
}
export interface OperatorOverview {
  readonly nodesOnline: number;
  readonly nodesTotal: number;
  readonly payableMicroUsd: bigint;
  readonly today: OperatorUsage;
  readonly month: OperatorUsage;
  readonly sessionsOpen: number;
  readonly hours: OperatorUsageHour[];
}
export interface NodeView {
  readonly id: string;
  readonly label: string;
  readonly status: NodeStatus;
  readonly statusReason: string | null;
  readonly model: string;
  readonly platform: string;
  readonly agentVersion: string;
  readonly isDemo: boolean;
  readonly state: NodeState;
  readonly stateReason: string | null;
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  readonly network: NetworkKind;
  readonly publicAddress: string | null;
  readonly country: string | null;
  readonly city: string | null;
  readonly asnName: string | null;
  readonly rttMs: number | null;
  readonly openStreams: number;
  readonly dayBytes: bigint;
  readonly dayLimitBytes: bigint | null;
  readonly lastSeenAt: Date | null;
  readonly connectedAt: Date | null;
  readonly earnedTodayMicroUsd: bigint;
}
export interface EnrolmentCodeView {
  readonly code: string;
  readonly command: string;
  readonly expiresAt: Date;
}
export interface EnrolmentView {
  readonly id: string;
  readonly label: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly usedAt: Date | null;
  readonly usedByNodeId: string | null;
  readonly usedByNodeLabel: string | null;
}
export interface OperatorSessionView {
  readonly id: string;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly nodeId: string;
  readonly nodeLabel: string;
  readonly protocol: string;
  /** The name only: an operator never sees ports, paths or who asked. */
  readonly targetHost: string;
  readonly upBytes: bigint;
  readonly downBytes: bigint;
  readonly earnedMicroUsd: bigint;
  readonly closeReason: string | null;
}
export interface EarningsView {
  /** The last 30 days (UTC), oldest first. */
  readonly days: { readonly day: Date; readonly bytes: bigint; readonly earnedMicroUsd: bigint }[];
  /** The same 30 days by node, highest earning first, at most 200. */
  readonly nodes: { readonly nodeId: string; readonly label: string; readonly bytes: bigint; readonly earnedMicroUsd: bigint }[];
}
export interface LiveFleet extends LiveTraffic {
  readonly nodes: LiveCounter[];
}

// ── Admin ───────────────────────────────────────────────────────────────────────────────────────
export interface GatewayView {
  readonly id: string;
  readonly opsUrl: string;
  readonly startedAt: Date;
  readonly lastFlushAt: Date | null;
  readonly isStale: boolean;
}
export interface AdminOverview {
  readonly sessionsOpen: number;
  readonly nodesOnline: number;
  readonly nodesTotal: number;
  readonly clients: number;
  readonly operators: number;
  readonly gateways: GatewayView[];
  readonly today: ClientUsage & { readonly earnedMicroUsd: bigint };
}
export type KycState = "not_asked" | "required" | "verified";
export interface ClientTerms {
  readonly kyc: KycState;
  /** Of exits; none means all. */
  readonly countries: readonly string[];
}
export interface ClientAllowlistView {
  readonly proxyUsers: { readonly id: string; readonly username: string }[];
  readonly entries: AllowlistEntryView[];
}
export interface UserView {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly status: AccountStatus;
  readonly emailVerifiedAt: Date | null;
  readonly createdAt: Date;
  readonly isDemo: boolean;
  /** Null when the user is no client. */
  readonly terms: ClientTerms | null;
  readonly wallet: WalletView | null;
}
export interface AdminNodeView extends NodeView {
  readonly operatorEmail: string;
}
export interface AdminSessionView extends ClientSessionView {
  readonly nodeId: string;
  readonly nodeLabel: string;
  readonly clientEmail: string;
  readonly operatorEmail: string;
  readonly earnedMicroUsd: bigint;
}
export interface ReconcileCheck {
  readonly check: string;
  readonly title: string;
  readonly badCount: number;
  readonly sample: readonly { readonly subject: string; readonly detail: string }[];
}
export interface FaultLink {
  readonly list: "users" | "sessions" | "nodes";
  readonly search: string;
}
export interface LinkedCheck extends Omit<ReconcileCheck, "sample"> {
  readonly sample: readonly { readonly subject: string; readonly detail: string; readonly link: FaultLink | null }[];
}
export interface ReconcileRunFacts {
  readonly id: bigint;
  readonly at: Date;
  /** Everything, or what changed since the run before. */
  readonly scope: "full" | "recent";
  /** An admin's e-mail, or `system:schedule`, `system:cli`. */
  readonly askedBy: string;
  readonly milliseconds: number;
  readonly badCount: number;
  /** Why it came to no result. */
  readonly failure: string | null;
}
export interface ReconcileRunView extends ReconcileRunFacts {
  readonly checks: readonly LinkedCheck[];
}
export interface ReconciliationView {
  /** The newest run with a result; null before the first. */
  readonly lastRun: ReconcileRunView | null;
  /** Newest first, with those that came to no result. */
  readonly history: readonly ReconcileRunFacts[];
  /** As they are now. */
  readonly totals: {
    readonly measuredBytes: bigint;
    readonly clientDebitBytes: bigint;
    readonly clientDebitMicroUsd: bigint;
    readonly operatorCreditMicroUsd: bigint;
    readonly feeMicroUsd: bigint;
  };
}
export interface AuditView {
  readonly seq: bigint;
  readonly at: Date;
  readonly actorId: string;
  readonly actorRole: string;
  readonly actorEmail: string | null;
  readonly action: string;
  readonly subjectId: string | null;
  readonly reason: string | null;
  readonly detail: unknown;
}
export interface AuditVerification {
  readonly rows: number;
  readonly ok: boolean;
  readonly firstBadSeq: bigint | null;
}

// ── Radar ───────────────────────────────────────────────────────────────────────────────────────
export interface LiveCounter {
  readonly id: string;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly sessionsOpen: number;
}
/** One second of one gateway, or of all of them added up (`gatewayId` is then "network"). */
export interface RadarTick {
  readonly atMs: number;
  readonly gatewayId: string;
  readonly sessionsOpen: number;
  readonly tunnels: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly unflushedBytes: number;
  readonly flushLagMs: number;
  readonly refusals: Record<string, number>;
  readonly clients: LiveCounter[];
  readonly operators: LiveCounter[];
  readonly nodes: LiveCounter[];
}
