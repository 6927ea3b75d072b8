/**
 * How much the peer may have on the way to us, from round trips and arrivals measured while data flows.
 *
 * A fast sender fills the queue of the slowest link, and everything else waits behind it; a small window leaves a long or
 * lossy line idle. So the busy streams together get what the line holds and a little more (the model of BBR,
 * draft-ietf-ccwg-bbr: maximum bandwidth, minimum round trip, a window of a small multiple of their product):
 *
 *     budget = fastest of the last rates x (shortest round trip + slack)
 *
 * A lost packet lengthens round trips but changes neither factor, and a queue makes no rate higher. A budget that is too small
 * for the line doubles with every sample, because twice the window gives twice the rate. The slack keeps the line full while TCP
 * repairs a loss, during which nothing reaches us: it is one round trip, and grows to four while payload comes with gaps. A queue
 * has none, so a line that is full keeps the least. Before the first sample, and as long as the rate goes on growing, windows grow ahead of it.
 *
 * It sends nothing and reads no clock. Limits: 32 KB to 4 MB a stream, 4 MB for the busy streams together.
 */
import { RoundTrips } from "./round-trips.ts";
import type { TunnelLimits } from "./types.ts";

/** A queue that small requests hardly notice; on a long line half a round trip. */
const shortQueueMs = 30;
/** Slack of a short line. */
const slackMinMs = 30;
/** On longer lines, in round trips. */
const slackMin = 1.2;
const slackMax = 4;
const slackStep = 0.25;
/** Nothing came for so long, or half a round trip of a long line: the line stood idle, or TCP repaired a loss. */
const gapMinMs = 100;
/** Samples whose fastest rate counts. */
const rateSamples = 10;
/** Samples whose most busy streams share the budget. */
const busySamples = 4;
/** A rate grows when it is so much faster than the fastest before; the line is full when so many samples in a row are not (as BBR's Startup). */
const growingFactor = 1.25;
const flatSamplesMax = 3;
/** While the rate grows, TCP sends twice as much a round trip later. */
const growthMax = 2;
/** What a stream's window grows by at each grant before the first sample: what was used up since the last. */
const unmeasuredGrowth = 1.5;
/** Draining leaves this part of what the line holds. */
const drainTo = 0.75;
/** Meanwhile a window may be smaller than ever else: what is under way on a slow line must not look like its length. */
const drainWindowBytes = 4_096;
/** On a line shorter than this a drain would measure the event loop. */
const drainRttMinMs = 20;

/** What was seen between a PING and its PONG. */
export interface PacerSample {
  readonly rttMs: number;
  /** Payload that arrived in `intervalMs`, which ends now. */
  readonly bytes: number;
  readonly intervalMs: number;
  /** The longest time in it in which no payload came. */
  readonly gapMs: number;
  /** Streams that used up half a window or more meanwhile. */
  readonly busyStreams: number;
}

export class WindowPacer {
  rttMs: number | null = null;
  /** Whether the last round trip showed a queue; slabs are smaller then. */
  hasQueue = false;
  readonly #limits: TunnelLimits;
  readonly #roundTrips = new RoundTrips();
  /** Bytes a millisecond, the newest last. */
  readonly #rates: number[] = [];
  readonly #busy: number[] = [];
  #slack = slackMin;
  #flatSamples = 0;
  /** For the busy streams together; 0 while nothing is known. */
  #budgetBytes = 0;
  #sharers = 1;
  #mayShrink = false;

  constructor(limits: TunnelLimits) {
    this.#limits = limits;
  }

  /** The window that a stream with this one moves to at its next grant. It shrinks only while there is a queue to shrink. */
  nextWindow(currentBytes: number): number {
    const { minWindowBytes, maxWindowBytes, activeCreditMaxBytes } = this.#limits;
    const least = this.#budgetBytes === 0 ? currentBytes * unmeasuredGrowth : this.#mayShrink ? 0 : currentBytes;
    const share = Math.max(this.#budgetBytes / this.#sharers, least);
    const floor = this.#roundTrips.isDraining ? drainWindowBytes : minWindowBytes;
    return Math.round(Math.max(floor, Math.min(share, maxWindowBytes, activeCreditMaxBytes / this.#sharers)));
  }

  sample(sample: PacerSample): void {
    const { rttMs, busyStreams } = sample;
    const roundTrips = this.#roundTrips;
    this.rttMs = rttMs;
    roundTrips.add(rttMs);
    this.hasQueue = roundTrips.queueMs > shortQueueMs;
    keepLast(this.#busy, busyStreams, busySamples);
    this.#sharers = Math.max(1, ...this.#busy);
    if (busyStreams > 0) this.#moveSlack(sample.gapMs);
    const budgetBytes = this.#lineBytes(sample);
    this.#mayShrink = roundTrips.isDraining || roundTrips.standingQueueMs > shortQueueMs;
    const mayGrow = busyStreams > 0 || this.#budgetBytes === 0;
    if (this.#mayShrink || (mayGrow && budgetBytes > this.#budgetBytes)) this.#budgetBytes = budgetBytes;
  }

  #moveSlack(gapMs: number): void {
    const { standingQueueMs, shortestMs } = this.#roundTrips;
    if (gapMs < Math.max(gapMinMs, shortestMs / 2)) this.#slack = Math.max(slackMin, this.#slack - slackStep);
    else if (standingQueueMs <= Math.max(shortQueueMs, shortestMs / 2)) this.#slack = Math.min(slackMax, this.#slack + slackStep);
  }

  #lineBytes({ bytes, intervalMs, busyStreams }: PacerSample): number {
    const rate = bytes / Math.max(1, intervalMs);
    const fastestBefore = Math.max(0, ...this.#rates);
    // A sender that had less to send than it might says nothing about the line, unless it was faster than known.
    if (busyStreams > 0 || rate > fastestBefore) keepLast(this.#rates, rate, rateSamples);
    const fastest = this.#fastest();
    const { shortestMs, isDraining } = this.#roundTrips;
    if (isDraining) return fastest * Math.max(shortestMs, drainRttMinMs) * drainTo;
    const growth = busyStreams > 0 ? this.#growth(rate / fastestBefore) : 1;
    return fastest * (shortestMs + Math.max(shortestMs * this.#slack, slackMinMs)) * growth;
  }

  /** Once the line has been full, the second fastest: what two samples reached is no accident of when a PONG came. */
  #fastest(): number {
    const [first = 0, second = first] = this.#rates.toSorted((a, b) => b - a);
    return this.#flatSamples === flatSamplesMax ? second : first;
  }

  /** How much more will be under way a round trip later: nothing once the line has been full. */
  #growth(factor: number): number {
    if (this.#flatSamples === flatSamplesMax) return 1;
    this.#flatSamples = factor > growingFactor ? 0 : this.#flatSamples + 1;
    return factor > growingFactor ? Math.min(growthMax, factor) : 1;
  }
}

function keepLast(values: number[], value: number, count: number): void {
  values.push(value);
  if (values.length > count) values.shift();
}
