/**
 * The round trips of one tunnel: the shortest, which is the line's own, and the queue that stands above it.
 *
 * The shortest is looked for again when none of many was near it, as a phone that moves to a slower cell has a longer one
 * (the ProbeRTT state of BBR). A queue that stands for so long must not be taken for it, so the windows drain meanwhile.
 *
 * Limits: 4 round trips kept.
 */

/** Round trips of which the shortest tells the queue (as LEDBAT's current filter does, RFC 6817, section 3.4.2). */
const standingSamples = 4;
/** So many round trips in a row that were longer call the shortest in question: 6 s of them on a short line. */
const doubtSamples = 64;
const drainSamples = 3;
/** A round trip so close above the shortest confirms it: radio links vary as much. */
const confirmingFactor = 1.3;

export class RoundTrips {
  /** Infinite before the first. */
  shortestMs = Number.POSITIVE_INFINITY;
  /** By how much the last one was longer than the shortest. */
  queueMs = 0;
  /**
   * By how much all of the last few were longer. A lost packet or a jump of a radio link lengthens one or two; a queue stands
   * in every one.
   */
  standingQueueMs = 0;
  #longerSamples = 0;
  #drainSamplesLeft = 0;
  #drainedMs = Number.POSITIVE_INFINITY;
  /** The newest last. */
  readonly #recentMs: number[] = [];

  /** Queues must be drained now: the next few round trips tell the shortest. */
  get isDraining(): boolean {
    return this.#drainSamplesLeft > 0;
  }

  add(rttMs: number): void {
    this.#follow(rttMs);
    this.#recentMs.push(rttMs);
    if (this.#recentMs.length > standingSamples) this.#recentMs.shift();
    this.queueMs = rttMs - this.shortestMs;
    this.standingQueueMs = this.#recentMs.length < standingSamples ? 0 : Math.max(0, Math.min(...this.#recentMs) - this.shortestMs);
  }

  #follow(rttMs: number): void {
    if (rttMs <= this.shortestMs * confirmingFactor) {
      this.#accept(Math.min(rttMs, this.shortestMs));
    } else if (this.isDraining) {
      this.#drainedMs = Math.min(this.#drainedMs, rttMs);
      this.#drainSamplesLeft -= 1;
      if (!this.isDraining) this.#accept(this.#drainedMs);
    } else {
      this.#longerSamples += 1;
      if (this.#longerSamples < doubtSamples) return;
      this.#drainSamplesLeft = drainSamples;
      this.#drainedMs = Number.POSITIVE_INFINITY;
    }
  }

  #accept(rttMs: number): void {
    this.shortestMs = rttMs;
    this.#longerSamples = 0;
    this.#drainSamplesLeft = 0;
  }
}
