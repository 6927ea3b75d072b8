/**
 * What a data-plane process may ask of the database, and nothing more.
 *
 * Every call is bounded: 5 s to get a connection, 20 s for a statement, 8 connections by default. A call that rejects has
 * an unknown outcome; every write here is safe to send again.
 */
import type { UsageBatch, UsageLedger, UsageReceipt } from "@karvon/billing";

export type { ClientBalance, SessionCounter, SessionFacts, UsageBatch, UsageReceipt } from "@karvon/billing";

export interface Closable {
  close(): Promise<void>;
}

export interface GatewayDatabaseOptions {
  readonly url: string;
  /** 8 when absent. */
  readonly poolMax?: number;
  /** Connections that broke while nobody used them, and lost LISTEN connections. Never throws into the caller. */
  readonly onError: (cause: unknown) => void;
}

export interface GatewayFacts {
  readonly id: string;
  readonly epoch: bigint;
  readonly opsUrl: string;
}

export interface ProxyUserFacts {
  readonly proxyUserId: string;
  readonly clientId: string;
  readonly username: string;
  readonly secretHash: Buffer;
  readonly isEnabled: boolean;
  /** The client and its user account are both active. */
  readonly isClientActive: boolean;
  /** The account must be verified first. */
  readonly isKycMissing: boolean;
  /** Of exits, two capital letters each; empty means all. */
  readonly countries: readonly string[];
  /** CIDR blocks; empty means from anywhere. */
  readonly allowedSources: readonly string[];
  /** Host names, with everything below them, and CIDR blocks; empty means any. */
  readonly allowedHosts: readonly string[];
  readonly concurrencyMax: number | null;
  readonly clientConcurrencyMax: number;
  readonly trafficLimitBytes: bigint | null;
  readonly usedBytes: bigint;
  /** Its limits in total, by day and by month as one text: another text, other limits. */
  readonly caps: string;
  /** The client's tags that have caps, each with a text as above: `crawl=1000,,` and blanks between. */
  readonly tagCaps: string;
  readonly priceId: string;
  /** Posted minus reserved; negative when overdrawn. */
  readonly balanceBytes: bigint;
  /** What the wallet would buy in this month; 0 for a client that does not pay as it goes. */
  readonly walletBytes: bigint;
  /** What a gateway may carry beyond its grants while it cannot ask, once in 15 minutes. */
  readonly interimCreditBytes: bigint;
}

/** Who calls about whose bytes. `turn` counts up with every call of this run about quotas; totals are below 2^53. */
export interface QuotaCall {
  readonly clientId: string;
  readonly gatewayId: string;
  readonly epoch: bigint;
  readonly turn: number;
}

export interface QuotaAsk extends QuotaCall {
  /** Of this user or tag, by this run, in total; null when it begins with them and holds nothing. */
  readonly spentBytes: number | null;
  /** What it would like to have in hand. */
  readonly wantBytes: number;
}

export interface QuotaReturn extends QuotaCall {
  readonly spentBytes: number;
}

export interface OfUser {
  readonly proxyUserId: string;
}

/** A tag of the client's, whoever of its proxy users carries it. */
export interface OfTag {
  readonly tag: string;
}

export interface QuotaTaken {
  /** In total: granted minus spent is in hand. */
  readonly grantedBytes: number;
  /** Of it so far, as the database knows: what a run that begins with the user or tag counts as spent. */
  readonly usedBytes: number;
  /** Why less was granted than wanted, or null: the balance, a cap in total, of the day or of the month, the wallet of who pays as it goes, or its cap. */
  readonly shortOf: "balance" | "limit" | "day" | "month" | "wallet" | "spending_cap" | null;
  /** When the day or the month of such a cap is over, and in how long on the database's clock. */
  readonly opens: { readonly at: Date; readonly inMs: number } | null;
  /** Nothing is left to be granted now. */
  readonly isFinal: boolean;
}

export interface AllowlistedUser {
  readonly username: string;
  /** Username parameters that apply, for example `-country-de`; empty when none. */
  readonly defaultParameters: string;
}

export type NodeStatusName = "active" | "paused" | "suspended" | "retired";
export type TrustTierName = "attested" | "hardware" | "software";
export type KeyAlgorithmName = "p256" | "ed25519";
export type NetworkKindName = "wifi" | "cellular" | "ethernet" | "unknown";
export type NodeStateName = "serving" | "idle" | "limited" | "draining" | "offline";

export interface NodeAuthFacts {
  readonly nodeId: string;
  readonly operatorId: string;
  readonly label: string;
  readonly status: NodeStatusName;
  /** The operator and its user account are both active. */
  readonly operatorActive: boolean;
  readonly keyId: string;
  readonly algorithm: KeyAlgorithmName;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly sessionSeq: bigint;
  readonly isDemo: boolean;
  readonly trustTier: TrustTierName;
}

export interface EnrolmentRequest {
  readonly tokenHash: Buffer;
  /** Null takes the label of the enrolment code, or the model's name. */
  readonly label: string | null;
  readonly platform: string;
  readonly model: string;
  readonly agentVersion: string;
  readonly algorithm: KeyAlgorithmName;
  readonly publicKey: Buffer;
  /** SHA-256 of the public key. */
  readonly fingerprint: Buffer;
  readonly consent: {
    readonly version: string;
    readonly textSha256: Buffer;
    readonly acceptedAt: Date;
    readonly signature: Buffer;
  };
}

export type EnrolmentOutcome =
  | {
      readonly kind: "enrolled";
      readonly nodeId: string;
      readonly keyId: string;
      readonly operatorId: string;
      readonly operatorName: string;
      readonly label: string;
      readonly isDemo: boolean;
    }
  | {
      readonly kind: "refused";
      readonly reason: "token_unknown" | "token_used" | "token_expired" | "key_known" | "operator_suspended";
    };

/** Where an address is, and whose network it is in, as far as that is known. Countries are upper case. */
export interface PlaceColumns {
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly asn: number | null;
  readonly asnName: string | null;
}

/** Where a node is now. An older row never overwrites a newer one. */
export interface PresenceRow extends PlaceColumns {
  readonly nodeId: string;
  readonly gatewayId: string | null;
  readonly state: NodeStateName;
  readonly stateReason: string | null;
  readonly connectedAtMs: number | null;
  readonly lastSeenAtMs: number;
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  readonly network: NetworkKindName;
  readonly isMetered: boolean | null;
  readonly publicAddress: string | null;
  readonly score: number | null;
  readonly rttMs: number | null;
  readonly openStreams: number;
  readonly dayBytes: number;
  readonly dayLimitBytes: number | null;
}

export interface HeartbeatRow {
  readonly nodeId: string;
  readonly atMs: number;
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  readonly network: NetworkKindName;
  readonly rttMs: number | null;
  readonly openStreams: number;
  readonly dayBytes: number;
}

export interface RefusalRow {
  /** The request id that the answer carried. */
  readonly id: string;
  readonly atMs: number;
  readonly gatewayId: string;
  readonly clientId: string | null;
  readonly proxyUserId: string | null;
  readonly code: string;
  readonly detail: string;
  readonly protocol: string;
  readonly targetHost: string | null;
  readonly targetPort: number | null;
  readonly clientAddress: string | null;
}

export interface AssessmentRow extends PlaceColumns {
  readonly address: string;
  readonly nodeId: string | null;
  readonly connectionType: string | null;
  readonly verdict: string;
  readonly score: number | null;
  /** Stored as JSON, shown to the operator. */
  readonly reasons: readonly unknown[];
  readonly dataVersion: string;
}

export interface BlockRuleRow {
  readonly id: string;
  readonly kind: "host" | "cidr" | "port";
  readonly pattern: string;
  readonly reason: string;
}

export type ControlKind = "client" | "proxy_user" | "node" | "session" | "block_rule";

/**
 * Something changed that gateways must obey. `resync` is made here, not in the database: the LISTEN connection was lost
 * and is back, notices may have been missed, so read everything again.
 */
export interface ControlNotice {
  readonly kind: ControlKind | "resync";
  readonly id: string;
}

export interface GatewayDatabase extends UsageLedger {
  /** Rejects with one sentence when the server could lose a committed transaction. */
  assertDurable(): Promise<void>;
  registerGateway(gateway: GatewayFacts): Promise<void>;
  stopGateway(id: string): Promise<void>;

  findProxyUser(username: string): Promise<ProxyUserFacts | null>;
  /** The most specific allowlist entry that contains `address`. */
  findAllowlistedUser(address: string): Promise<AllowlistedUser | null>;

  findNodeForAuth(nodeId: string, keyId: string): Promise<NodeAuthFacts | null>;
  /** False when `seq` is not greater than every number this key has used: a replay, or a clone. */
  advanceSessionSeq(keyId: string, seq: bigint): Promise<boolean>;
  enrolNode(request: EnrolmentRequest): Promise<EnrolmentOutcome>;
  savePresence(rows: readonly PresenceRow[]): Promise<void>;
  saveHeartbeats(rows: readonly HeartbeatRow[]): Promise<void>;
  markGatewayNodesOffline(gatewayId: string): Promise<void>;
  /** Marks the consent withdrawn and retires the node; it may come back only by a new enrolment. */
  withdrawConsent(nodeId: string): Promise<void>;
  saveAssessment(row: AssessmentRow): Promise<void>;

  recordUsage(batch: UsageBatch): Promise<UsageReceipt>;
  /** For a batch that was refused: posts what can be posted and keeps the rest as dead letters. */
  recordApart(batch: UsageBatch): Promise<UsageReceipt>;
  /** Tops up what this gateway may carry for a proxy user. The same call again answers what is granted and grants no more. */
  takeQuota(ask: QuotaAsk & OfUser): Promise<QuotaTaken>;
  /** Gives back what is in hand and not spent. */
  returnQuota(given: QuotaReturn & OfUser): Promise<void>;
  /** The same of a tag's caps; what is wanted when it has none. */
  takeTagQuota(ask: QuotaAsk & OfTag): Promise<QuotaTaken>;
  returnTagQuota(given: QuotaReturn & OfTag): Promise<void>;
  /** Frees the grants of this gateway's runs up to `epoch`, all of which are posted, and those of gateways that are gone. */
  releaseQuotas(gatewayId: string, epoch: bigint): Promise<{ readonly settled: bigint; readonly lost: bigint }>;
  recordRefusals(rows: readonly RefusalRow[]): Promise<void>;

  listBlockRules(): Promise<BlockRuleRow[]>;
  readControlEpoch(): Promise<bigint>;
  /** Hears `karvon_notify` of every process. Reconnects by itself; `onNotice` must not throw. */
  listen(onNotice: (notice: ControlNotice) => void): Closable;
  /** Makes the monthly partitions of this month and the three after it. Call once a day. */
  ensurePartitions(): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
