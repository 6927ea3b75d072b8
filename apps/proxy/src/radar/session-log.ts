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
import type { UserAccount } from "../session/accounts.ts";

export interface MeteredStream {
  readonly upBytes: number;
  readonly downBytes: number;
}

/** What moved since the last tick for one client, operator or node, and how many of its sessions are open now. */
export interface Totals {
  readonly id: string;
  upBytes: number;
  downBytes: number;
  sessionsOpen: number;
}

export interface NewSession {
  readonly facts: SessionFacts;
  readonly stream: MeteredStream;
  readonly user: UserAccount;
  /** Ends the traffic; whoever owns the stream then calls `close`. */
  readonly cut: (reason: string) => void;
  readonly maxBytes: number | null;
}

export interface LiveSession extends NewSession {
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
}

export function createSessionLog(options: SessionLogOptions): SessionLog {
  const open = new Map<string, LiveSession>();
  /** Closed and not yet handed over. */
  const closed = new Map<string, LiveSession>();
  /** Handed over in a batch that is not acknowledged yet, closed. */
  const settling = new Map<string, LiveSession>();
  const roles = [new Map<string, Totals>(), new Map<string, Totals>(), new Map<string, Totals>()] as const;
  const sums = { upBytes: 0, downBytes: 0, unpostedBytes: 0 };

  function totalsOf(role: 0 | 1 | 2, id: string): Totals {
    let totals = roles[role].get(id);
    if (totals === undefined) {
      totals = { id, upBytes: 0, downBytes: 0, sessionsOpen: 0 };
      roles[role].set(id, totals);
    }
    totals.sessionsOpen += 1;
    return totals;
  }

  function measureOne(session: LiveSession): void {
    const up = session.stream.upBytes - session.upBytes;
    const down = session.stream.downBytes - session.downBytes;
    if (up <= 0 && down <= 0) return;
    session.upBytes += up;
    session.downBytes += down;
    session.movedAtMs = options.monotonicMs();
    for (const totals of session.totals) {
      totals.upBytes += up;
      totals.downBytes += down;
    }
    sums.upBytes += up;
    sums.downBytes += down;
    addPending(session, up + down);
  }

  function addPending(session: LiveSession, bytes: number): void {
    session.user.pendingBytes += bytes;
    session.user.client.pendingBytes += bytes;
    sums.unpostedBytes += bytes;
  }

  function counterOf(session: LiveSession): SessionCounter {
    const counter = { id: session.facts.id, openedAtMs: session.facts.openedAtMs, upBytes: session.upBytes, downBytes: session.downBytes };
    return session.closedAtMs === null ? counter : { ...counter, closedAtMs: session.closedAtMs, closeReason: session.closeReason };
  }

  function report(session: LiveSession, sample: { opened: SessionFacts[]; counters: SessionCounter[] }): void {
    const bytes = session.upBytes + session.downBytes;
    if (session.isReported && bytes === session.reportedBytes && session.closedAtMs === null) return;
    if (!session.isReported) sample.opened.push(session.facts);
    sample.counters.push(counterOf(session));
    session.isReported = true;
    session.reportedBytes = bytes;
  }

  function settle(counter: SessionCounter, isUnknown: boolean): void {
    const session = settling.get(counter.id) ?? open.get(counter.id) ?? closed.get(counter.id);
    if (session === undefined) return;
    if (isUnknown) {
      // The ledger lost or never had the facts: the next batch sends them again with the same totals.
      session.isReported = false;
      if (settling.delete(counter.id)) closed.set(counter.id, session);
      return;
    }
    const growth = Math.max(0, counter.upBytes + counter.downBytes - session.postedBytes);
    session.postedBytes += growth;
    session.user.usedBytes += growth;
    addPending(session, -growth);
    if (counter.closedAtMs !== undefined) settling.delete(counter.id);
  }

  return {
    open(session) {
      const nowMs = options.monotonicMs();
      const live: LiveSession = {
        ...session,
        upBytes: 0,
        downBytes: 0,
        movedAtMs: nowMs,
        startedAtMs: nowMs,
        closedAtMs: null,
        closeReason: "",
        isReported: false,
        reportedBytes: 0,
        postedBytes: 0,
        totals: [totalsOf(0, session.facts.clientId), totalsOf(1, session.facts.operatorId), totalsOf(2, session.facts.nodeId)],
      };
      open.set(session.facts.id, live);
      return live;
    },
    close(session, reason) {
      if (session.closedAtMs !== null) return;
      measureOne(session);
      session.closedAtMs = Math.max(options.nowMs(), session.facts.openedAtMs);
      session.closeReason = reason;
      for (const totals of session.totals) totals.sessionsOpen -= 1;
      open.delete(session.facts.id);
      closed.set(session.facts.id, session);
    },
    waive(session) {
      this.close(session, "waived");
      if (session.isReported || !closed.delete(session.facts.id)) return false;
      addPending(session, -(session.upBytes + session.downBytes));
      return true;
    },
    measure() {
      for (const session of open.values()) measureOne(session);
    },
    collect() {
      const sample: { opened: SessionFacts[]; counters: SessionCounter[] } = { opened: [], counters: [] };
      for (const session of open.values()) {
        measureOne(session);
        report(session, sample);
      }
      for (const session of closed.values()) {
        report(session, sample);
        settling.set(session.facts.id, session);
      }
      closed.clear();
      return sample.counters.length === 0 ? null : sample;
    },
    posted(batch, receipt) {
      const unknown = new Set(receipt.unknownSessionIds);
      for (const counter of batch.counters) settle(counter, unknown.has(counter.id));
    },
    find: (id) => open.get(id) ?? null,
    listOpen: () => open.values(),
    takeTotals() {
      const [clients, operators, nodes] = roles;
      return { clients: drain(clients), operators: drain(operators), nodes: drain(nodes) };
    },
    get openCount() {
      return open.size;
    },
    get upBytes() {
      return sums.upBytes;
    },
    get downBytes() {
      return sums.downBytes;
    },
    get unpostedBytes() {
      return sums.unpostedBytes;
    },
    get isFull() {
      return closed.size + settling.size >= options.unpostedSessionsMax;
    },
  };
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
