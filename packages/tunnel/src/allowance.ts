/**
 * How many bytes a group of streams may still move together, in both directions.
 *
 * A stream takes from `left` for every byte that it hands on; it costs a comparison and a subtraction a chunk. Where `left`
 * does not cover a chunk, the source is asked for more, and what it cannot give at once waits: received bytes stay with the
 * stream and grant no credit, bytes to send stay in its queue and pause whoever makes them. No byte moves uncovered.
 */

/** Where an allowance comes from. */
export interface AllowanceSource {
  /** `wanted` bytes are not covered. Adds what it has to `left` at once; may call `add` later, never from in here. */
  refill(wanted: number): void;
}

/** Somebody who waits until more may move. */
export interface Mover {
  /** Says `cover` again for what waits. */
  resumeMoving(): void;
}

export class Allowance {
  /** Grows by `add` and by its source, shrinks by whoever moves bytes. */
  left: number;
  /** The largest window of its streams: what is on the way when the last byte is spent is lost to everybody. */
  windowMax = Infinity;
  readonly #source: AllowanceSource | null;
  #waiting: Mover[] = [];

  constructor(left: number, source: AllowanceSource | null) {
    this.left = left;
    this.#source = source;
  }

  /** Bytes that could not move wait for more. */
  get isShort(): boolean {
    return this.#waiting.length > 0;
  }

  /** How many of `bytes` may move now. When not all may, `mover` is told once as soon as more may. */
  cover(bytes: number, mover: Mover): number {
    if (this.left < bytes) this.#source?.refill(bytes);
    if (this.left >= bytes) return bytes;
    this.#waiting.push(mover);
    return Math.max(0, this.left);
  }

  /** More may move; who waits goes on. */
  add(bytes: number): void {
    this.left += bytes;
    if (this.left > 0) this.resume();
  }

  /** Lets everybody who waits ask again. */
  resume(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const mover of waiting) mover.resumeMoving();
  }
}

/** Of streams that nobody limits. One object, so that it costs them nothing. */
export const unlimited = new Allowance(Infinity, null);
