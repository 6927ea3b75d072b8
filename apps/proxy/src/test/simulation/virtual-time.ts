/**
 * Time that passes only from one event to the next. What an event starts has come to rest before the next one begins, so the
 * order of everything follows from the events alone.
 *
 * An event may wait for what really takes time (the database, a file); virtual time stands still meanwhile. It must not wait
 * for another event: that would never come.
 */
interface Event {
  readonly atMs: number;
  readonly run: () => void | Promise<void>;
}

export class VirtualTime {
  nowMs = 0;
  /** By time; those of the same time in the order in which they were made. */
  readonly #events: Event[] = [];

  /** Runs `run` once, `delayMs` from now; the answer cancels it. */
  after(delayMs: number, run: () => void | Promise<void>): () => void {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), run };
    const later = this.#events.findIndex(({ atMs }) => atMs > event.atMs);
    this.#events.splice(later < 0 ? this.#events.length : later, 0, event);
    return () => {
      const at = this.#events.indexOf(event);
      if (at >= 0) this.#events.splice(at, 1);
    };
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resume) => this.after(delayMs, resume));
  }

  /** Runs every event of the next `ms`. Rejects when one does. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (let next = this.#events[0]; next !== undefined && next.atMs <= endMs; next = this.#events[0]) {
      this.#events.shift();
      this.nowMs = next.atMs;
      await next.run();
      await settle();
    }
    this.nowMs = endMs;
  }
}

/** One turn of the event loop: every promise that can settle without time has settled after it. */
function settle(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}
