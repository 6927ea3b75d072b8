/**
 * What a dead gateway's journal still owes the ledger.
 *
 * Segments are read up to their first record that is torn or was changed; totals only grow, whatever order segments come in.
 * It never throws because of what a file holds, and never counts a byte that no whole record names.
 */
import type { SessionCounter, SessionFacts, UsageSample } from "@karvon/billing";
import { type JournalRecord, readRecord, readSegmentName, type SegmentName, type Total } from "./records.ts";

/** Why a session has an end that nobody reported: its gateway died. */
export const lostReason = "gateway_lost";

interface ReplayedSession {
  readonly id: string;
  readonly openedAtMs: number;
  /** Null when the ledger has them. */
  readonly facts: SessionFacts | null;
  upBytes: number;
  downBytes: number;
  closedAtMs: number | null;
  closeReason: string;
}

export interface Replay {
  readonly gatewayId: string;
  readonly epoch: bigint;
  /** When bytes were last counted or a session last opened; 0 when nothing was. */
  readonly lastAtMs: number;
  /** Every session that is not settled, with its end. */
  readonly sample: UsageSample;
  /** Payload bytes of these sessions. */
  readonly bytes: number;
}

/** Segments of one epoch, in any order; null when none of them names itself. */
export function replaySegments(segments: readonly Buffer[]): Replay | null {
  const named = segments.flatMap((bytes) => {
    const head = readSegmentName(bytes);
    return head === null ? [] : [{ bytes, ...head }];
  });
  named.sort((a, b) => a.name.generation - b.name.generation);
  const [first] = named;
  if (first === undefined) return null;
  const book = new ReplayBook();
  for (const { bytes, end, seed } of named) book.read(bytes, end, seed);
  return book.finish(first.name);
}

class ReplayBook {
  readonly #sessions = new Map<number, ReplayedSession>();
  #lastAtMs = 0;
  /** Those that the segment under way has named. */
  #named = new Set<number>();

  read(bytes: Buffer, from: number, seed: number): void {
    this.#named = new Set();
    for (let next = readRecord(bytes, from, seed); next !== null; next = readRecord(bytes, next.end, seed)) this.#apply(next.record);
  }

  finish({ gatewayId, epoch }: SegmentName): Replay {
    const opened: SessionFacts[] = [];
    const counters: SessionCounter[] = [];
    let bytes = 0;
    for (const session of this.#sessions.values()) {
      if (session.facts !== null) opened.push(session.facts);
      const closedAtMs = Math.max(session.closedAtMs ?? this.#lastAtMs, session.openedAtMs);
      const { id, openedAtMs, upBytes, downBytes, closeReason } = session;
      counters.push({ id, openedAtMs, upBytes, downBytes, closedAtMs, closeReason });
      bytes += upBytes + downBytes;
    }
    return { gatewayId, epoch, lastAtMs: this.#lastAtMs, sample: { opened, counters }, bytes };
  }

  #apply(record: JournalRecord): void {
    switch (record.type) {
      case "open":
        return this.#enter(record.number, record.facts, record.facts);
      case "known":
        return this.#enter(record.number, record, null);
      case "totals":
        this.#lastAtMs = Math.max(this.#lastAtMs, record.atMs);
        for (const total of record.totals) this.#grow(total);
        return undefined;
      case "close": {
        const session = this.#grow(record);
        if (session === undefined) return undefined;
        session.closedAtMs = record.closedAtMs;
        session.closeReason = record.closeReason;
        return undefined;
      }
      case "settled":
        for (const number of record.numbers) this.#sessions.delete(number);
        return undefined;
      case "snapshot":
        for (const number of this.#sessions.keys()) if (!this.#named.has(number)) this.#sessions.delete(number);
        return undefined;
    }
  }

  /** A snapshot names sessions again that an older segment has named: what is known of them stays. */
  #enter(number: number, { id, openedAtMs }: { id: string; openedAtMs: number }, facts: SessionFacts | null): void {
    this.#named.add(number);
    this.#lastAtMs = Math.max(this.#lastAtMs, openedAtMs);
    if (this.#sessions.has(number)) return;
    this.#sessions.set(number, { id, openedAtMs, facts, upBytes: 0, downBytes: 0, closedAtMs: null, closeReason: lostReason });
  }

  #grow({ number, upBytes, downBytes }: Total): ReplayedSession | undefined {
    const session = this.#sessions.get(number);
    if (session === undefined) return undefined;
    session.upBytes = Math.max(session.upBytes, upBytes);
    session.downBytes = Math.max(session.downBytes, downBytes);
    return session;
  }
}
