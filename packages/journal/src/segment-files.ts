/**
 * The segments of one journal: one that is written, one that follows it, and older ones that are still needed.
 *
 * A segment that has been followed is free again once its follower, which begins with a snapshot of all that is owed, is on the
 * disk. One whose sync has failed is never used again: the system may have dropped what it could not write.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { segmentFileName } from "./directory.ts";
import type { SegmentName } from "./records.ts";
import { createSegment, type Disk, type Segment } from "./segment.ts";

export interface SegmentFilesOptions {
  readonly directory: string;
  readonly gatewayId: string;
  readonly epoch: bigint;
  readonly disk: Disk;
}

export class SegmentFiles {
  active: Segment | null = null;
  /** Why the last preparation failed; null when it did not. */
  lastCause: unknown = null;
  readonly #options: SegmentFilesOptions;
  #spare: Segment | null = null;
  #old: Segment[] = [];
  readonly #unsound = new Set<Segment>();
  #filesMade = 0;
  #generation = 0;

  constructor(options: SegmentFilesOptions) {
    this.#options = options;
  }

  get hasNext(): boolean {
    if (this.#spare !== null) return true;
    const isActiveSound = this.active !== null && !this.#unsound.has(this.active);
    return isActiveSound && this.#old.some((segment) => !this.#unsound.has(segment));
  }

  get spareBytes(): number {
    return this.#spare?.sizeBytes ?? 0;
  }

  /** Begins the next segment; the caller writes a snapshot into it. Throws when there is none, or when the disk fails. */
  next(scratch: Buffer): Segment {
    if (this.#spare === null && this.hasNext) {
      // It has filled faster than the disk was told of it.
      this.active?.syncNow();
      this.#release();
    }
    const next = this.#spare;
    if (next === null) throw new Error("no segment is free", { cause: this.lastCause });
    this.#spare = null;
    if (this.active !== null) this.#old.push(this.active);
    this.active = next;
    const { gatewayId, epoch } = this.#options;
    this.#generation += 1;
    const name: SegmentName = { gatewayId, epoch, generation: this.#generation };
    next.begin(name, scratch);
    return next;
  }

  /** Resolves when the active segment is on the disk as it is now. */
  async sync(): Promise<void> {
    const { active } = this;
    if (active === null || (!active.isDirty && this.#old.length === 0)) return;
    if (this.#unsound.has(active)) throw new Error("the disk has failed for this segment");
    try {
      await active.sync();
    } catch (cause) {
      this.#unsound.add(active);
      throw cause;
    }
    if (active === this.active) this.#release();
  }

  /** Sees to it that a segment of that size waits. Rejects when the disk has no room for it. */
  async prepare(sizeBytes: number): Promise<void> {
    const isWaiting = this.#spare === null ? this.hasNext : this.#spare.sizeBytes >= sizeBytes;
    if (isWaiting) return;
    const { directory, epoch, disk } = this.#options;
    this.#filesMade += 1;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const made = await createSegment(disk, join(directory, segmentFileName(epoch, this.#filesMade)), sizeBytes);
      if (this.#spare !== null) this.#discard(this.#spare);
      this.#spare = made;
      this.lastCause = null;
    } catch (cause) {
      this.lastCause = cause;
      throw cause;
    }
  }

  /** Ends the use of all files, and takes them away unless something in them is owed. */
  close(isOwed: boolean): void {
    const { active } = this;
    const kept = isOwed ? [...this.#old, ...(active === null ? [] : [active])] : [];
    const all = [active, this.#spare, ...this.#old].filter((segment) => segment !== null);
    for (const segment of all) {
      if (kept.includes(segment)) segment.close();
      else this.#discard(segment);
    }
    this.active = null;
    this.#spare = null;
    this.#old = [];
  }

  /** What came before the active segment is not needed any more: one of them waits for its turn, the others go. */
  #release(): void {
    const old = this.#old;
    this.#old = [];
    for (const segment of old) {
      const isFit = !this.#unsound.has(segment) && segment.sizeBytes >= (this.active?.sizeBytes ?? 0);
      if (this.#spare === null && isFit) this.#spare = segment;
      else this.#discard(segment);
    }
  }

  /** A file that cannot be removed costs its room and nothing else: the next start reads it and finds nothing new. */
  #discard(segment: Segment): void {
    this.#unsound.delete(segment);
    segment.discard().catch(ignoreError);
  }
}

function ignoreError(): void {
  // See #discard.
}
