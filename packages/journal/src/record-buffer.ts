/**
 * Records on their way to a segment, encoded one behind the other into one buffer. Whoever finds no room in it has it drained.
 */
import type { Entry } from "./entry.ts";
import {
  beginTotals,
  frameBytes,
  payloadBytesMax,
  putClose,
  putKnown,
  putOpen,
  putSettled,
  putSnapshotEnd,
  putTotal,
  recordTypes,
  sealRecord,
  totalBytes,
} from "./records.ts";

/** Four of the longest records. */
const bufferBytes = 4 * 65_536;
/** A record of one total is 29 bytes, one of 4,000 is 64 KB. */
const totalsPerRecordMax = 4_000;
const knownBytes = 64;
/** What a session's total and end take in a snapshot, about. */
const restBytes = 96;

export class RecordBuffer {
  readonly bytes = Buffer.allocUnsafeSlow(bufferBytes);
  used = 0;
  /** Of the segment that the records are for. */
  seed = 0;
  /** Writes what is here away, or clears it. */
  readonly #drain: () => void;

  constructor(drain: () => void) {
    this.#drain = drain;
  }

  clear(): void {
    this.used = 0;
  }

  /** Answers what the session takes in a snapshot. */
  open(entry: Entry): number {
    if (entry.isKnown) {
      this.#room(knownBytes);
      this.used = putKnown(this.bytes, this.used, this.seed, entry.number, entry.facts);
      return knownBytes + restBytes;
    }
    const facts = JSON.stringify(entry.facts);
    this.#room(facts.length * 3);
    const start = this.used;
    this.used = putOpen(this.bytes, start, this.seed, entry.number, facts);
    return this.used - start + restBytes;
  }

  totals(entries: Iterable<Entry>, nowMs: number): void {
    let start = 0;
    let to = 0;
    let count = 0;
    for (const { number, counters } of entries) {
      if (count === 0) {
        this.#room(payloadBytesMax);
        start = this.used;
        to = beginTotals(this.bytes, start, nowMs);
      }
      to = putTotal(this.bytes, to, number, counters.upBytes, counters.downBytes);
      count += 1;
      if (count < totalsPerRecordMax) continue;
      this.used = sealRecord(this.bytes, start, recordTypes.totals, to, this.seed);
      count = 0;
    }
    if (count > 0) this.used = sealRecord(this.bytes, start, recordTypes.totals, to, this.seed);
  }

  /** Nothing for a session that is open. */
  close({ number, end }: Entry): void {
    if (end === null) return;
    this.#room(frameBytes + end.closeReason.length * 3 + 22);
    this.used = putClose(this.bytes, this.used, this.seed, { number, ...end });
  }

  settled({ number }: Entry): void {
    this.#room(frameBytes + 4);
    this.used = putSettled(this.bytes, this.used, this.seed, number);
  }

  snapshotEnd(): void {
    this.#room(frameBytes);
    this.used = putSnapshotEnd(this.bytes, this.used, this.seed);
  }

  #room(payloadBytes: number): void {
    if (this.used + payloadBytes + frameBytes + totalBytes > this.bytes.length) this.#drain();
  }
}
