/** One session in the journal: what its records say, and whether its totals have moved since the last one. */
import type { SessionFacts } from "@karvon/billing";

/** Where a session's cumulative counters are read. */
export interface Counters {
  readonly upBytes: number;
  readonly downBytes: number;
}

export interface SessionEnd extends Counters {
  readonly closedAtMs: number;
  readonly closeReason: string;
}

/** What a session tells the journal. */
export interface JournalEntry {
  /** The counters have grown: their totals are in the next record. Cheap: called for every chunk. */
  moved(): void;
  /** These are the last totals. */
  close(end: SessionEnd): void;
  /** The ledger has the session's facts. */
  known(): void;
  /** The ledger has the session's last totals. */
  settle(): void;
  /** Nothing is owed for the session; that is written at once, because its client is about to be told. */
  waive(): void;
}

export interface EntryHost {
  closed(entry: Entry): void;
  known(entry: Entry): void;
  settled(entry: Entry): void;
  waived(entry: Entry): void;
}

export class Entry implements JournalEntry {
  readonly number: number;
  readonly facts: SessionFacts;
  counters: Counters;
  end: SessionEnd | null = null;
  isKnown = false;
  /** What it takes in a snapshot, about. */
  snapshotBytes = 0;
  /** Stands in the list of those whose totals have moved. */
  isMoved = false;
  readonly #moved: Entry[];
  readonly #host: EntryHost;

  constructor(host: EntryHost, moved: Entry[], number: number, facts: SessionFacts, counters: Counters) {
    this.#host = host;
    this.#moved = moved;
    this.number = number;
    this.facts = facts;
    this.counters = counters;
  }

  moved(): void {
    if (this.isMoved) return;
    this.isMoved = true;
    this.#moved.push(this);
  }

  close(end: SessionEnd): void {
    this.end = end;
    this.counters = end;
    this.#host.closed(this);
  }

  known(): void {
    if (this.isKnown) return;
    this.isKnown = true;
    this.#host.known(this);
  }

  settle(): void {
    this.#host.settled(this);
  }

  waive(): void {
    this.#host.waived(this);
  }
}
