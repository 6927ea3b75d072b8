/**
 * The `max` of one session: it takes from its user's allowance in slices, and never more than is left of its own cap.
 *
 * At the cap nothing moves any more; the radar ends the session within a second. `close` gives back what it has not spent.
 */
import { Allowance, type AllowanceSource, type Mover } from "@karvon/tunnel";

const sliceBytes = 262_144;

export class SessionCap implements AllowanceSource, Mover {
  readonly allowance = new Allowance(0, this);
  readonly #user: Allowance;
  #left: number;

  constructor(user: Allowance, maxBytes: number) {
    this.#user = user;
    this.#left = maxBytes;
  }

  refill(wanted: number): void {
    const missing = wanted - this.allowance.left;
    const bytes = Math.min(this.#left, this.#user.left >= sliceBytes ? Math.max(missing, sliceBytes) : missing);
    if (bytes <= 0) return;
    const taken = this.#user.cover(bytes, this);
    this.#user.left -= taken;
    this.#left -= taken;
    this.allowance.left += taken;
  }

  resumeMoving(): void {
    this.allowance.resume();
  }

  close(): void {
    const unspent = this.allowance.left;
    this.allowance.left = 0;
    if (unspent > 0) this.#user.add(unspent);
  }
}
