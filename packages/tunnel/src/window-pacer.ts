/**
 * How much the peer may have on the way to us, from round trips measured while data flows.
 *
 * A fast sender fills the queue of the slowest link, and everything else waits behind it. So the window of a stream
 * follows the delay: it doubles while the round trip stays near its minimum and the windows are being used up, grows
 * by a quarter after the first sign of a queue, and shrinks when the queue stays longer than 80 ms.
 * A queue stands in every round trip; a lost packet or a jump of a radio link lengthens one or two. So the shortest of
 * the last four decides (as the current filter of LEDBAT, RFC 6817, section 3.4.2, does): with the last one alone a link with
 * 0.5 % loss was held at the smallest window for ever.
 * Busy streams share one cap, so that many of them do not do together what one may not. A stream that is hardly used
 * counts for neither: it says nothing about the line.
 *
 * It sends nothing and reads no clock. Limits: 32 KB to 4 MB a stream, 4 MB for the busy streams together.
 */
import type { TunnelLimits } from "./types.ts";

const shortQueueMs = 30;
const longQueueMs = 80;
const drainToMs = 40;
/** Round trips of which the shortest tells the queue. */
const standingSamples = 4;
/** So many long round trips in a row with the smallest windows mean that the line itself has become longer. */
const floorSamplesMax = 16;

export class WindowPacer {
  /** The window that a stream moves to at its next grant. */
  windowBytes: number;
  rttMs: number | null = null;
  /** Whether the last round trip showed a queue; slabs are smaller then. */
  hasQueue = false;
  readonly #limits: TunnelLimits;
  /** The newest last, since the window was shrunk last. */
  #recentRttMs: number[] = [];
  #minRttMs = Number.POSITIVE_INFINITY;
  #targetBytes: number;
  #isStarting = true;
  #floorSamples = 0;
  #floorRttMs = Number.POSITIVE_INFINITY;

  constructor(limits: TunnelLimits) {
    this.#limits = limits;
    this.#targetBytes = limits.startWindowBytes;
    this.windowBytes = limits.startWindowBytes;
  }

  /** `busyStreams` have used up half a window or more since the last sample. */
  sample(rttMs: number, busyStreams: number): void {
    this.rttMs = rttMs;
    this.#minRttMs = Math.min(this.#minRttMs, rttMs);
    this.#forgetShorterLine(rttMs);
    this.hasQueue = rttMs - this.#minRttMs > shortQueueMs;
    if (this.hasQueue) this.#isStarting = false;
    const standingRttMs = this.#takeStandingRtt(rttMs);
    if (standingRttMs - this.#minRttMs > this.#longQueueMs()) {
      this.#targetBytes = this.windowBytes * Math.max(0.5, Math.min(0.75, (this.#minRttMs + drainToMs) / standingRttMs));
      // What was measured under the larger window says nothing about the smaller one.
      this.#recentRttMs = [];
    } else if (!this.hasQueue && busyStreams > 0) {
      this.#targetBytes = this.windowBytes * (this.#isStarting ? 2 : 1.25);
    }
    const { minWindowBytes, maxWindowBytes, activeCreditMaxBytes } = this.#limits;
    this.#targetBytes = Math.max(minWindowBytes, Math.min(maxWindowBytes, this.#targetBytes));
    this.windowBytes = Math.round(Math.max(minWindowBytes, Math.min(this.#targetBytes, activeCreditMaxBytes / Math.max(1, busyStreams))));
  }

  /** The shortest of the last few round trips; of the whole connection while there are fewer. */
  #takeStandingRtt(rttMs: number): number {
    this.#recentRttMs.push(rttMs);
    if (this.#recentRttMs.length < standingSamples) return this.#minRttMs;
    if (this.#recentRttMs.length > standingSamples) this.#recentRttMs.shift();
    return Math.min(...this.#recentRttMs);
  }

  /** On a long line a queue of half a round trip is what keeps it full. */
  #longQueueMs(): number {
    return Math.max(longQueueMs, this.#minRttMs / 2);
  }

  /** A phone that moves to a slower cell has a longer shortest round trip; without this it would be held down for ever. */
  #forgetShorterLine(rttMs: number): void {
    const isAtFloor = this.windowBytes === this.#limits.minWindowBytes && rttMs - this.#minRttMs > this.#longQueueMs();
    this.#floorSamples = isAtFloor ? this.#floorSamples + 1 : 0;
    this.#floorRttMs = isAtFloor ? Math.min(this.#floorRttMs, rttMs) : Number.POSITIVE_INFINITY;
    if (this.#floorSamples < floorSamplesMax) return;
    this.#minRttMs = this.#floorRttMs;
    this.#floorSamples = 0;
    this.#floorRttMs = Number.POSITIVE_INFINITY;
  }
}
