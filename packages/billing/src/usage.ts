/**
 * What a gateway tells the ledger: which sessions opened, and how many bytes each has carried so far.
 *
 * Counters are cumulative totals, never deltas, so a report that arrives twice, late or out of order charges nothing twice.
 * Nothing here knows prices or balances; the ledger behind the port does.
 */

/** How a program spoke to the gateway. */
export type SessionProtocol = "http" | "connect" | "socks5";

/** What is fixed about a session once it is open. Stored once, in the batch that first names the session. */
export interface SessionFacts {
  readonly id: string;
  readonly openedAtMs: number;
  readonly clientId: string;
  readonly proxyUserId: string;
  readonly operatorId: string;
  readonly nodeId: string;
  readonly priceId: string;
  readonly protocol: SessionProtocol;
  readonly targetHost: string;
  readonly targetPort: number;
  readonly clientAddress: string | null;
  /** A password was checked; false when the source address stood for it. */
  readonly hasPassword: boolean;
  readonly exitAddress: string | null;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly exitCountry: string | null;
  readonly exitCity: string | null;
  readonly exitAsn: number | null;
  readonly connectionType: string | null;
  readonly stickySession: string | null;
  readonly tag: string | null;
  readonly connectMs: number | null;
  /** Nodes that were tried before this one. What passed to them is not billed. */
  readonly failedAttempts: number;
}

/** The payload bytes that one session has carried since it opened; `closedAtMs` comes with its last counter. */
export interface SessionCounter {
  readonly id: string;
  /** The same value as in the session's facts: it finds the partition. */
  readonly openedAtMs: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly closedAtMs?: number;
  readonly closeReason?: string;
}

/** One report. `(gatewayId, epoch, seq)` names it for ever; the same name always carries the same content. */
export interface UsageBatch {
  readonly gatewayId: string;
  /** The gateway's start time in milliseconds, as registered. */
  readonly epoch: bigint;
  /** From 1 without gaps within an epoch. */
  readonly seq: bigint;
  /** The growth in this batch belongs to the hour of this instant. */
  readonly sampledAtMs: number;
  readonly opened: readonly SessionFacts[];
  readonly counters: readonly SessionCounter[];
}

export interface ClientBalance {
  readonly clientId: string;
  readonly balanceBytes: bigint;
}

/** The ledger's answer to one batch. */
export interface UsageReceipt {
  /** Balances after this batch of every client that it names. Empty for a duplicate. */
  readonly balances: readonly ClientBalance[];
  /** Bytes that this batch newly charged; 0 for a duplicate. */
  readonly postedBytes: bigint;
  /** True when the batch had been posted before, for example when only the answer was lost. */
  readonly duplicate: boolean;
  /** Counters whose session the ledger has never heard of: send their facts again in a later batch. */
  readonly unknownSessionIds: readonly string[];
  /** Sessions whose report was refused for good and is kept as a dead letter; left out when there are none. */
  readonly deadSessionIds?: readonly string[];
}

/** The ledger refuses a batch for a reason that will not pass: bad data, a broken rule, an unknown price. */
export class UsageRefusedError extends Error {
  override readonly name = "UsageRefusedError";
}

/** The port to the database. One engine in production; tests use ledgers that fail. */
export interface UsageLedger {
  /**
   * Posts one batch in one transaction and answers after the commit. Rejects when the outcome is unknown or the
   * database is away: the caller then sends the same batch again, unchanged. Rejects with UsageRefusedError when it
   * never will be posted as it is.
   */
  recordUsage(batch: UsageBatch): Promise<UsageReceipt>;
  /**
   * Posts a batch that `recordUsage` refused: what can be posted is, the rest is kept as dead letters, in one transaction under
   * the batch's name. A ledger that refuses nothing needs none.
   */
  recordApart?(batch: UsageBatch): Promise<UsageReceipt>;
}

/** What the radar hands over at a snapshot. The flusher adds gateway, epoch, seq and time. */
export interface UsageSample {
  readonly opened: readonly SessionFacts[];
  readonly counters: readonly SessionCounter[];
}
