/**
 * How much the peer may have on the way to us, from round trips measured while data flows.
 *
 * A fast sender fills the queue of the slowest link, and everything else waits behind it. So the window of a stream
 * follows the delay: it doubles while the round trip stays near its minimum and the windows are being used up, grows
 * by a quarter after the first sign of a queue, and shrinks as soon as the queue is longer than 80 ms.
 * Busy streams share one cap, so that many of them do not do together what one may not. A stream that is hardly used
 * counts for neither: it says nothing about the line.
 *
 * It sends nothing and reads no clock. Limits: 32 KB to 4 MB a stream, 4 MB for the busy streams together.
 */
import type { TunnelLimits } from "./types.ts";

const shortQueueMs = 30;
const longQueueMs = 80;
const drainToMs = 40;
/** So many long round trips in a row with the smallest windows mean that the line itself has become longer. */
const floorSamplesMax = 16;

export class WindowPacer {
  /** The window that a stream moves to at its next grant. */
  windowBytes: number;
  rttMs: number | null = null;
  /** Whether the last round trip showed a queue; slabs are smaller then. */
  hasQueue = false;
  readonly #limits: TunnelLimits;
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
    const queueMs = rttMs - this.#minRttMs;
    this.hasQueue = queueMs > shortQueueMs;
    if (this.hasQueue) this.#isStarting = false;
    if (queueMs > longQueueMs) {
      this.#targetBytes = this.windowBytes * Math.max(0.5, Math.min(0.75, (this.#minRttMs + drainToMs) / rttMs));
    } else if (!this.hasQueue && busyStreams > 0) {
      this.#targetBytes = this.windowBytes * (this.#isStarting ? 2 : 1.25);
    }
    const { minWindowBytes, maxWindowBytes, activeCreditMaxBytes } = this.#limits;
    this.#targetBytes = Math.max(minWindowBytes, Math.min(maxWindowBytes, this.#targetBytes));
    this.windowBytes = Math.round(Math.max(minWindowBytes, Math.min(this.#targetBytes, activeCreditMaxBytes / Math.max(1, busyStreams))));
  }

  /** A phone that moves to a slower cell has a longer shortest round trip; without this it would be held down for ever. */
  #forgetShorterLine(rttMs: number): void {
    const isAtFloor = this.windowBytes === this.#limits.minWindowBytes && rttMs - this.#minRttMs > longQueueMs;
    this.#floorSamples = isAtFloor ? this.#floorSamples + 1 : 0;
    this.#floorRttMs = isAtFloor ? Math.min(this.#floorRttMs, rttMs) : Number.POSITIVE_INFINITY;
    if (this.#floorSamples < floorSamplesMax) return;
    this.#minRttMs = this.#floorRttMs;
    this.#floorSamples = 0;
    this.#floorRttMs = Number.POSITIVE_INFINITY;
  }
}
