/**
 * The usage journal of one gateway process: what its sessions have carried, in files that outlive the process.
 *
 * `commit` returns when every total that has moved is in the system's hands. Whoever forwards bytes calls it first, so a
 * process that is killed has forwarded nothing that no record names; what the system has goes to the disk every 0.8 s.
 * Two files are written in turn: one that is full is followed by the other, which begins with a snapshot of every session that
 * the ledger does not have whole. No file grows while it is used, so a full disk stops new sessions, never the open ones.
 *
 * It knows no prices and posts nothing. Limits: a segment has 8 MB, or four times what the open sessions take.
 */
import type { SessionFacts } from "@karvon/billing";
import { type Counters, Entry, type EntryHost, type JournalEntry } from "./entry.ts";
import { RecordBuffer } from "./record-buffer.ts";
import { SegmentFiles } from "./segment-files.ts";
import { type Disk, systemDisk } from "./segment.ts";

export interface JournalOptions {
  /** Made when it is not there; no other gateway writes into it. */
  readonly directory: string;
  readonly gatewayId: string;
  readonly epoch: bigint;
  readonly nowMs: () => number;
  /** Totals cannot be written any more: what open sessions carry from now on would be lost with this process. */
  readonly onBroken: (cause: unknown) => void;
  /** The disk did not do what it was asked for; the journal helps itself if it can. */
  readonly onTrouble: (cause: unknown) => void;
  readonly segmentBytes?: number;
  readonly syncEveryMs?: number;
  readonly disk?: Disk;
}

export interface Journal {
  /** The session's facts and totals are in the next commit. */
  open(facts: SessionFacts, counters: Counters): JournalEntry;
  /** Writes the totals of all sessions that have moved; does nothing when none has. Never throws. */
  commit(): void;
  /** Why no new session may be taken, in words; null when all is well. */
  readonly trouble: string | null;
  /** Takes its files away when nothing in them is owed, else leaves them to the next start. */
  close(): Promise<void>;
}

const segmentBytesDefault = 8 * 1_048_576;
/** A power loss takes what moved between two syncs and while the second one runs: together it is to be a second. */
const syncEveryMsDefault = 800;
/** A session whose facts the ledger has, in a snapshot. */
const knownSnapshotBytes = 160;

/** Resolves also when the disk has no room: then there is trouble, and it is tried again every 0.8 s. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const journal = new Books(options);
  await journal.start();
  return journal;
}

class Books implements Journal, EntryHost {
  readonly #options: JournalOptions;
  readonly #files: SegmentFiles;
  readonly #live = new Set<Entry>();
  readonly #moved: Entry[] = [];
  readonly #out = new RecordBuffer(() => this.#drain());
  #lastNumber = 0;
  /** What a snapshot of the live entries takes, about. */
  #liveBytes = 0;
  /** Set while nothing can be written. */
  #broken: { readonly cause: unknown } | null = { cause: "it is not open yet" };
  /** Set while what is written does not reach the disk. */
  #unsynced: { readonly cause: unknown } | null = null;
  #isSnapshot = false;
  #timer: NodeJS.Timeout | null = null;
  #maintenance: Promise<void> | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#files = new SegmentFiles({ ...options, disk: options.disk ?? systemDisk });
  }

  async start(): Promise<void> {
    await this.#maintainAlone();
    await this.#maintainAlone();
    this.#timer = setInterval(() => void this.#maintainAlone(), this.#options.syncEveryMs ?? syncEveryMsDefault);
  }

  get trouble(): string | null {
    const { hasNext, lastCause } = this.#files;
    const fault = this.#broken ?? this.#unsynced;
    if (!hasNext && lastCause !== null) return `the disk has no room for the usage journal: ${describe(lastCause)}`;
    if (fault !== null) return `the usage journal cannot be written: ${describe(fault.cause)}`;
    if (!hasNext) return "the next segment of the usage journal is not ready";
    return this.#liveBytes * 4 > this.#activeBytes * 3 ? "the usage journal is full of open sessions" : null;
  }

  open(facts: SessionFacts, counters: Counters): JournalEntry {
    this.#lastNumber += 1;
    const entry = new Entry(this, this.#moved, this.#lastNumber, facts, counters);
    // Before its record, so that the snapshot which repairs a failed write holds it too.
    this.#live.add(entry);
    this.#attempt(() => (entry.snapshotBytes = this.#out.open(entry)));
    this.#liveBytes += entry.snapshotBytes;
    entry.moved();
    return entry;
  }

  commit(): void {
    const moved = this.#moved;
    if (moved.length === 0) return;
    this.#attempt(() => {
      this.#out.totals(moved, this.#options.nowMs());
      this.#drain();
    });
    for (const entry of moved) entry.isMoved = false;
    moved.length = 0;
  }

  closed(entry: Entry): void {
    this.#attempt(() => this.#out.close(entry));
  }

  known(entry: Entry): void {
    this.#liveBytes -= entry.snapshotBytes;
    entry.snapshotBytes = Math.min(entry.snapshotBytes, knownSnapshotBytes);
    this.#liveBytes += entry.snapshotBytes;
  }

  settled(entry: Entry): void {
    if (!this.#live.delete(entry)) return;
    this.#liveBytes -= entry.snapshotBytes;
    this.#attempt(() => this.#out.settled(entry));
  }

  waived(entry: Entry): void {
    this.settled(entry);
    this.#attempt(() => this.#drain());
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#maintainAlone();
    await this.#maintainAlone();
    this.#broken = { cause: "it is closed" };
    this.#files.close(this.#live.size > 0);
  }

  get #activeBytes(): number {
    return this.#files.active?.sizeBytes ?? 0;
  }

  /** A snapshot is never more than a quarter of a segment for long: most of it is for totals. */
  get #wantedBytes(): number {
    let bytes = this.#options.segmentBytes ?? segmentBytesDefault;
    while (bytes < this.#liveBytes * 4) bytes *= 2;
    return bytes;
  }

  /** What fails is repaired by a snapshot in the next segment, which holds what could not be written too. */
  #attempt(work: () => void): void {
    if (this.#broken !== null) return;
    try {
      work();
    } catch (cause) {
      this.#options.onTrouble(cause);
      this.#turnOrBreak();
    }
  }

  #turnOrBreak(): void {
    try {
      this.#turn();
    } catch (cause) {
      this.#isSnapshot = false;
      this.#out.clear();
      const isNew = this.#broken === null;
      this.#broken = { cause };
      if (isNew) this.#options.onBroken(cause);
    }
  }

  /** Writes what waits; a segment that has no room for it is followed by the next, whose snapshot holds it. */
  #drain(): void {
    const { active } = this.#files;
    const out = this.#out;
    if (out.used === 0) return;
    if (active !== null && active.roomBytes >= out.used) active.append(out.bytes, out.used);
    else if (this.#isSnapshot || active === null) throw new Error("the segment is too small for its snapshot");
    else this.#turn();
    out.clear();
  }

  /** Goes on in the next segment. */
  #turn(): void {
    const out = this.#out;
    out.clear();
    out.seed = this.#files.next(out.bytes).seed;
    this.#isSnapshot = true;
    for (const entry of this.#live) out.open(entry);
    out.totals(this.#live, this.#options.nowMs());
    for (const entry of this.#live) out.close(entry);
    out.snapshotEnd();
    this.#drain();
    this.#isSnapshot = false;
    this.#broken = null;
  }

  #maintainAlone(): Promise<void> {
    this.#maintenance ??= this.#maintain().finally(() => (this.#maintenance = null));
    return this.#maintenance;
  }

  async #maintain(): Promise<void> {
    this.#attempt(() => this.#drain());
    await this.#sync();
    await this.#prepare();
    const mustGrow = this.#activeBytes < this.#wantedBytes && this.#files.spareBytes >= this.#wantedBytes;
    if (this.#files.hasNext && (this.#broken !== null || mustGrow)) this.#turnOrBreak();
  }

  /** A disk that stays full is told of once. */
  async #prepare(): Promise<void> {
    const wasWell = this.#files.lastCause === null;
    try {
      await this.#files.prepare(this.#wantedBytes);
    } catch (cause) {
      if (wasWell) this.#options.onTrouble(cause);
    }
  }

  /** Never asked twice of the same file after it failed: the next one gets a snapshot and is asked instead. */
  async #sync(): Promise<void> {
    try {
      await this.#files.sync();
      this.#unsynced = null;
    } catch (cause) {
      if (this.#unsynced === null) this.#options.onTrouble(cause);
      await this.#replace();
    }
  }

  async #replace(): Promise<void> {
    await this.#prepare();
    if (this.#broken === null) this.#turnOrBreak();
    try {
      await this.#files.sync();
      this.#unsynced = null;
    } catch (cause) {
      this.#unsynced = { cause };
    }
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
