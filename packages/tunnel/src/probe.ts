/**
 * Liveness and round trips of one tunnel. Time comes from `tick` (every fifth of the shorter interval) and `nowMs`.
 *
 * Silence is counted in ticks and not by the clock, so a stalled event loop or a suspended machine does not make a
 * live peer look dead: every tick lets the socket be read first. A dead peer is noticed at `deadAfterMs` plus a tick.
 */
import type { TunnelLimits } from "./types.ts";
import type { WindowPacer } from "./window-pacer.ts";

/** Less than a frame says nothing about a line. */
const busyFlowBytes = 16_384;

export interface ProbeOptions {
  readonly limits: TunnelLimits;
  readonly pacer: WindowPacer;
  readonly sendPing: (token: number) => void;
  readonly onDead: (kind: "silent" | "stalled", detail: string) => void;
  /** Everything written so far, headers included. */
  readonly writtenBytes: () => number;
  /** Writes that have finished so far, or null when none is under way. */
  readonly writeInProgress: () => number | null;
}

export class Probe {
  readonly #options: ProbeOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #tickMs: number;
  #hasHeard = false;
  #silentMs = 0;
  #stalledMs = 0;
  #stalledWrite: number | null = null;
  #token = 0;
  #isPinging = false;
  #pingedAtMs = 0;
  /** Payload received since `#countedFromMs`. */
  #receivedBytes = 0;
  #countedFromMs = 0;
  #payloadAtMs = 0;
  /** The longest time without payload since `#countedFromMs`. */
  #gapMs = 0;
  #writtenAtPing = 0;
  #round = 0;
  #busyStreams = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#tickMs = Math.max(5, Math.floor(Math.min(options.limits.pingIdleMs, options.limits.deadAfterMs) / 5));
    this.#timer = setInterval(() => this.#tick(), this.#tickMs);
    this.#timer.unref();
    this.#ping();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Sampling round; a stream is busy when it has used up half a window in it. */
  get round(): number {
    return this.#round;
  }

  streamIsBusy(): void {
    this.#busyStreams += 1;
  }

  /** Called after every chunk from the peer with the payload in it. */
  heard(payloadBytes: number): void {
    this.#hasHeard = true;
    if (payloadBytes > 0) this.#countPayload(payloadBytes);
    if (this.#isPinging) return;
    const flowBytes = this.#receivedBytes + this.#options.writtenBytes() - this.#writtenAtPing;
    if (flowBytes < busyFlowBytes) return;
    if (performance.now() - this.#pingedAtMs >= this.#options.limits.busyPingMs) this.#ping();
  }

  #countPayload(bytes: number): void {
    const nowMs = performance.now();
    this.#receivedBytes += bytes;
    this.#gapMs = Math.max(this.#gapMs, nowMs - this.#payloadAtMs);
    this.#payloadAtMs = nowMs;
  }

  #countFrom(nowMs: number): void {
    this.#countedFromMs = nowMs;
    this.#receivedBytes = 0;
    this.#gapMs = 0;
  }

  pong(token: number): void {
    if (!this.#isPinging || token !== this.#token) return;
    this.#isPinging = false;
    const nowMs = performance.now();
    this.#options.pacer.sample({
      rttMs: nowMs - this.#pingedAtMs,
      bytes: this.#receivedBytes,
      intervalMs: nowMs - this.#countedFromMs,
      gapMs: this.#gapMs,
      busyStreams: this.#busyStreams,
    });
    this.#countFrom(nowMs);
    this.#busyStreams = 0;
    this.#round += 1;
  }

  #ping(): void {
    this.#token = (this.#token + 1) >>> 0;
    this.#isPinging = true;
    this.#writtenAtPing = this.#options.writtenBytes();
    this.#pingedAtMs = performance.now();
    // After a pause in the flow its rate is that since the PING.
    if (this.#pingedAtMs - this.#countedFromMs > this.#options.limits.busyPingMs * 2) this.#countFrom(this.#pingedAtMs);
    this.#options.sendPing(this.#token);
  }

  #tick(): void {
    this.#silentMs = this.#hasHeard ? 0 : this.#silentMs + this.#tickMs;
    this.#hasHeard = false;
    const { limits, onDead } = this.#options;
    if (this.#silentMs >= limits.deadAfterMs) {
      onDead("silent", `no frame for ${this.#silentMs} ms`);
      return;
    }
    if (this.#silentMs >= limits.pingIdleMs && !this.#isPinging) this.#ping();
    const write = this.#options.writeInProgress();
    this.#stalledMs = write !== null && write === this.#stalledWrite ? this.#stalledMs + this.#tickMs : 0;
    this.#stalledWrite = write;
    if (this.#stalledMs >= limits.writeStallMs) onDead("stalled", `a write did not finish within ${this.#stalledMs} ms`);
  }
}
