/**
 * One deadline that is moved with every request and seldom reached.
 *
 * Moving it later costs no timer: the one that is armed looks when it fires whether it came too early. Timers fire before
 * sockets are read: after a stall of this process whoever was in time would be late. So sockets have a turn in between.
 */
export class Deadline {
  readonly #onReached: () => void;
  #timer: NodeJS.Timeout | null = null;
  #firesAtMs = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(onReached: () => void) {
    this.#onReached = onReached;
  }

  set(inMs: number): void {
    const dueAtMs = performance.now() + inMs;
    this.#dueAtMs = dueAtMs;
    if (this.#timer === null || this.#firesAtMs > dueAtMs) this.#arm(inMs);
  }

  /** There is nothing to wait for now. */
  lift(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }

  /** The same, for good: no timer stays behind. */
  clear(): void {
    this.lift();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(inMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#firesAtMs = performance.now() + inMs;
    this.#timer = setTimeout(this.#fire, inMs);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) return;
    // A timer may fire a fraction of a millisecond early.
    const leftMs = this.#dueAtMs - performance.now();
    if (leftMs >= 1) {
      this.#arm(leftMs);
      return;
    }
    setImmediate(this.#judge);
  };

  /** Whatever was read meanwhile may have moved it. */
  readonly #judge = (): void => {
    if (this.#dueAtMs - performance.now() >= 1) return;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#onReached();
  };
}
