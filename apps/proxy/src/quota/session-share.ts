/**
 * What one session takes from several allowances at once: its user's, that of its tag's caps, and its own `max`.
 *
 * It takes slices, the same bytes from each of them, so that a chunk still costs one comparison and one subtraction. Where one has
 * less than a slice it takes what is missing only. At its own `max` nothing moves any more; the radar ends the session within
 * a second. `close` gives back what it has not spent.
 */
import { Allowance, type AllowanceSource, type Mover } from "@karvon/tunnel";
import { scarceBytesMax, scarceWindowBytes } from "./quota.ts";

const sliceBytes = 262_144;

export class SessionShare implements AllowanceSource, Mover {
  readonly allowance = new Allowance(0, this);
  #parents: readonly Allowance[];
  #left: number;

  /** `maxBytes`: Infinity for a session without a cap of its own. */
  constructor(parents: readonly Allowance[], maxBytes: number) {
    this.#parents = parents;
    this.#left = maxBytes;
  }

  refill(wanted: number): void {
    const missing = wanted - this.allowance.left;
    const isPlenty = this.#parents.every(({ left }) => left >= sliceBytes);
    let bytes = Math.min(this.#left, isPlenty ? Math.max(missing, sliceBytes) : missing);
    for (const parent of this.#parents) if (bytes > 0) bytes = Math.min(bytes, parent.cover(bytes, this));
    const ownWindowMax = this.#left < scarceBytesMax ? scarceWindowBytes : Infinity;
    this.allowance.windowMax = Math.min(ownWindowMax, ...this.#parents.map(({ windowMax }) => windowMax));
    if (bytes <= 0) return;
    for (const parent of this.#parents) parent.left -= bytes;
    this.#left -= bytes;
    this.allowance.left += bytes;
  }

  resumeMoving(): void {
    this.allowance.resume();
  }

  /** Takes from others from now on; what it has goes back to those from which it came. */
  takeFrom(parents: readonly Allowance[]): void {
    this.close();
    this.#parents = parents;
    this.allowance.resume();
  }

  close(): void {
    const unspent = this.allowance.left;
    this.allowance.left = 0;
    if (unspent <= 0) return;
    this.#left += unspent;
    for (const parent of this.#parents) parent.add(unspent);
  }
}
