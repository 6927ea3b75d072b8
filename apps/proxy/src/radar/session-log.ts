/**
 * Traffic Radar, the books: every open session, its growing counters, and what of them the ledger has not heard yet.
 *
 * A session's bytes are read from its stream, never counted here. `collect` hands each growth over once, as cumulative
 * totals; a closed session stays in the books until its last counter is posted. Balances and ledgers are not kept here.
 *
 * Limits: `unpostedSessionsMax` closed sessions wait for a database that is away; then `isFull` is true and nobody may
 * be admitted any more, because settlement may not be dropped.
 */
import type { SessionCounter, SessionFacts, UsageBatch, UsageReceipt, UsageSample } from "@karvon/billing";
import type { Journal, JournalEntry } from "@karvon/journal";
import type { Allowance } from "@karvon/tunnel";
import type { TagAccount, UserAccount } from "../session/accounts.ts";
import type { UserRules } from "../session/user-rules.ts";

export interface MeteredStream {
  readonly upBytes: number;
  readonly downBytes: number;
  /** Bytes that wait in this process for a reader. */
  readonly heldBytes: number;
  /** Hears of every growth before the bytes leave this process. */
  meter?: Pick<JournalEntry, "moved"> | null;
}

/** What moved since the last tick for one client, operator or node, and how many of its sessions are open now. */
export interface Totals {
  readonly id: string;
  upBytes: number;
  downBytes: number;
  sessionsOpen: number;
}

/** Of the user, and of the tag where that has caps. */
export type Allowances = readonly [Allowance, ...Allowance[]];

export interface NewSession {
  readonly facts: SessionFacts;
  readonly stream: MeteredStream;
  readonly user: UserAccount;
  /** Of its tag, where that has caps. */
  readonly tag: TagAccount | null;
  readonly line: {
    /** Ends the traffic for a reason; whoever owns the stream then calls `close`. */
    cut(reason: string): void;
    /** What it moves is taken from all of these from now on. */
    spendFrom(allowances: Allowances): void;
  };
  readonly maxBytes: number | null;
  /** What the target's name led to, as the node reported it and the gateway checked it. */
  readonly targetAddress: string;
}

export interface LiveSession extends Omit<NewSession, "stream" | "line" | "tag"> {
  stream: MeteredStream;
  tag: TagAccount | null;
  line: NewSession["line"];
  /** The rules of its user that last let it go on. */
  judgedBy: UserRules | null;
  /** Null without a journal. */
  readonly entry: JournalEntry | null;
  upBytes: number;
  downBytes: number;
  /** When the counters last grew, on the monotonic clock. */
  movedAtMs: number;
  readonly startedAtMs: number;
  closedAtMs: number | null;
  closeReason: string;
  /** Whether a batch has named the session, and with how many bytes. */
  isReported: boolean;
  reportedBytes: number;
  postedBytes: number;
  readonly totals: readonly [client: Totals, operator: Totals, node: Totals];
}

export interface SessionLog {
  open(session: NewSession): LiveSession;
  /** Reads the counters a last time. A second call does nothing. */
  close(session: LiveSession, reason: string): void;
  /** Its tag has got caps, or has none any more. */
  retag(session: LiveSession, tag: TagAccount | null): void;
  /** Takes back a session that gave the client nothing. False when a batch has already named it: then it is charged. */
  waive(session: LiveSession): boolean;
  /** Reads every open session's counters. */
  measure(): void;
  collect(): UsageSample | null;
  /** The ledger has this batch for good. */
  posted(batch: UsageBatch, receipt: UsageReceipt): void;
  find(id: string): LiveSession | null;
  listOpen(): Iterable<LiveSession>;
  /** What moved since the last call, by role; forgets those who have nothing open. */
  takeTotals(): { clients: Totals[]; operators: Totals[]; nodes: Totals[] };
  readonly openCount: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly unpostedBytes: number;
  readonly isFull: boolean;
}

export interface SessionLogOptions {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly unpostedSessionsMax: number;
  /** Null or left out: what is carried is only in memory until the ledger has it. */
  readonly journal?: Pick<Journal, "open"> | null;
}

/** In the place of the stream and the line of a session that is over. */
const ended: MeteredStream & NewSession["line"] = {
  upBytes: 0,
  downBytes: 0,
  heldBytes: 0,
  meter: null,
  cut: () => undefined,
  spendFrom: () => undefined,
};

export function createSessionLog(options: SessionLogOptions): SessionLog {
  return new Books(options);
}

class Books implements SessionLog {
  upBytes = 0;
  downBytes = 0;
  unpostedBytes = 0;
  readonly #options: SessionLogOptions;
  readonly #open = new Map<string, LiveSession>();
  /** Closed and not yet handed over. */
  readonly #closed = new Map<string, LiveSession>();
  /** Closed and handed over in a batch that is not acknowledged yet. */
  readonly #settling = new Map<string, LiveSession>();
  readonly #clients = new Map<string, Totals>();
  readonly #operators = new Map<string, Totals>();
  readonly #nodes = new Map<string, Totals>();

  constructor(options: SessionLogOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#closed.size + this.#settling.size >= this.#options.unpostedSessionsMax;
  }

  find(id: string): LiveSession | null {
    return this.#open.get(id) ?? null;
  }

  listOpen(): Iterable<LiveSession> {
    return this.#open.values();
  }

  open(session: NewSession): LiveSession {
    const { facts } = session;
    const nowMs = this.#options.monotonicMs();
    const entry = this.#options.journal?.open(facts, session.stream) ?? null;
    if (entry !== null) session.stream.meter = entry;
    const live: LiveSession = {
      facts,
      stream: session.stream,
      user: session.user,
      tag: session.tag,
      line: session.line,
      entry,
      maxBytes: session.maxBytes,
      targetAddress: session.targetAddress,
      judgedBy: null,
      upBytes: 0,
      downBytes: 0,
      movedAtMs: nowMs,
      startedAtMs: nowMs,
      closedAtMs: null,
      closeReason: "",
      isReported: false,
      reportedBytes: 0,
      postedBytes: 0,
      totals: [
        joinTotals(this.#clients, facts.clientId),
        joinTotals(this.#operators, facts.operatorId),
        joinTotals(this.#nodes, facts.nodeId),
      ],
    };
    if (live.tag !== null) live.tag.sessionsOpen += 1;
    this.#open.set(facts.id, live);
    return live;
  }

  close(session: LiveSession, reason: string): void {
    if (session.closedAtMs !== null) return;
    this.#measure(session);
    session.closedAtMs = Math.max(this.#options.nowMs(), session.facts.openedAtMs);
    session.closeReason = reason;
    session.stream.meter = null;
    session.entry?.close({ upBytes: session.upBytes, downBytes: session.downBytes, closedAtMs: session.closedAtMs, closeReason: reason });
    // The session waits for the ledger by itself: its sockets and buffers must not wait with it.
    session.stream = ended;
    session.line = ended;
    for (const totals of session.totals) totals.sessionsOpen -= 1;
    if (session.tag !== null) session.tag.sessionsOpen -= 1;
    this.#open.delete(session.facts.id);
    this.#closed.set(session.facts.id, session);
  }

  retag(session: LiveSession, tag: TagAccount | null): void {
    if (session.closedAtMs !== null) return;
    if (session.tag !== null) session.tag.sessionsOpen -= 1;
    session.tag = tag;
    if (tag !== null) tag.sessionsOpen += 1;
  }

  waive(session: LiveSession): boolean {
    this.close(session, "waived");
    if (session.isReported || !this.#closed.delete(session.facts.id)) return false;
    session.entry?.waive();
    const bytes = session.upBytes + session.downBytes;
    this.#addPending(session, -bytes);
    session.user.quota?.allowance.add(bytes);
    session.tag?.quota?.allowance.add(bytes);
    return true;
  }

  measure(): void {
    for (const session of this.#open.values()) this.#measure(session);
  }

  collect(): UsageSample | null {
    const sample: Sample = { opened: [], counters: [] };
    for (const session of this.#open.values()) {
      this.#measure(session);
      report(session, sample);
    }
    for (const session of this.#closed.values()) {
      report(session, sample);
      this.#settling.set(session.facts.id, session);
    }
    this.#closed.clear();
    return sample.counters.length === 0 ? null : sample;
  }

  posted(batch: UsageBatch, receipt: UsageReceipt): void {
    const unknown = new Set(receipt.unknownSessionIds);
    for (const counter of batch.counters) {
      const session = this.#settling.get(counter.id) ?? this.#open.get(counter.id) ?? this.#closed.get(counter.id);
      if (session === undefined) continue;
      if (unknown.has(counter.id)) this.#reportAgain(session);
      else this.#settle(session, counter);
    }
  }

  takeTotals(): { clients: Totals[]; operators: Totals[]; nodes: Totals[] } {
    return { clients: drain(this.#clients), operators: drain(this.#operators), nodes: drain(this.#nodes) };
  }

  #measure(session: LiveSession): void {
    const up = session.stream.upBytes - session.upBytes;
    const down = session.stream.downBytes - session.downBytes;
    if (up <= 0 && down <= 0) return;
    session.upBytes += up;
    session.downBytes += down;
    session.movedAtMs = this.#options.monotonicMs();
    for (const totals of session.totals) {
      totals.upBytes += up;
      totals.downBytes += down;
    }
    this.upBytes += up;
    this.downBytes += down;
    this.#addPending(session, up + down);
  }

  #addPending(session: LiveSession, bytes: number): void {
    session.user.pendingBytes += bytes;
    session.user.client.pendingBytes += bytes;
    this.unpostedBytes += bytes;
  }

  #settle(session: LiveSession, counter: SessionCounter): void {
    const growth = Math.max(0, counter.upBytes + counter.downBytes - session.postedBytes);
    session.postedBytes += growth;
    session.user.usedBytes += growth;
    this.#addPending(session, -growth);
    session.entry?.known();
    if (counter.closedAtMs === undefined) return;
    this.#settling.delete(counter.id);
    session.entry?.settle();
  }

  /** The ledger lost or never had the facts: the next batch sends them again with the same totals. */
  #reportAgain(session: LiveSession): void {
    session.isReported = false;
    if (this.#settling.delete(session.facts.id)) this.#closed.set(session.facts.id, session);
  }
}

interface Sample {
  readonly opened: SessionFacts[];
  readonly counters: SessionCounter[];
}

/** Adds what the ledger has not been told: nothing for an open session that did not grow. */
function report(session: LiveSession, sample: Sample): void {
  const bytes = session.upBytes + session.downBytes;
  if (session.isReported && bytes === session.reportedBytes && session.closedAtMs === null) return;
  if (!session.isReported) sample.opened.push(session.facts);
  const counter = { id: session.facts.id, openedAtMs: session.facts.openedAtMs, upBytes: session.upBytes, downBytes: session.downBytes };
  sample.counters.push(
    session.closedAtMs === null ? counter : { ...counter, closedAtMs: session.closedAtMs, closeReason: session.closeReason },
  );
  session.isReported = true;
  session.reportedBytes = bytes;
}

function joinTotals(totals: Map<string, Totals>, id: string): Totals {
  let own = totals.get(id);
  if (own === undefined) {
    own = { id, upBytes: 0, downBytes: 0, sessionsOpen: 0 };
    totals.set(id, own);
  }
  own.sessionsOpen += 1;
  return own;
}

/** Copies what moved and starts again from zero. */
function drain(totals: Map<string, Totals>): Totals[] {
  const taken: Totals[] = [];
  for (const [id, one] of totals) {
    if (one.sessionsOpen > 0 || one.upBytes > 0 || one.downBytes > 0) taken.push({ ...one });
    one.upBytes = 0;
    one.downBytes = 0;
    if (one.sessionsOpen === 0) totals.delete(id);
  }
  return taken;
}
