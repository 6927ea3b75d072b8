/**
 * What a node's own results say about it: how often it fails, how fast it connects and carries, how often it dies.
 *
 * Everything counted fades with a half-life of ten minutes, so that a bad hour is forgotten and a node that was avoided
 * is tried again. Failures in a row put the node on the bench for a while: it gets new sessions only when nobody else can
 * take them. The time comes from outside in milliseconds of a clock that never goes back.
 *
 * Limits: 13 numbers a node; the bench lasts 2 s after three failures in a row and doubles with each more, up to 60 s.
 */
export const qualityHalfLifeMs = 600_000;
export const benchAfterFailures = 3;
export const benchMsMin = 2_000;
export const benchMsMax = 60_000;

const givenHalfLifeMs = 30_000;
/** Passing time below it is not looked at. */
const givenStepMs = 250;

/** Results that every node is credited with at the start: one failure says little, ten say much. */
const priorResults = 4;
const priorConnectMs = 150;
/** A connect that takes this long on average halves the node's share. */
const slowConnectMs = 1_000;
/** A failure that may as well be the target's counts this much. */
const suspicion = 0.25;
/** Transfers below it say nothing about a line's speed. */
const telltaleBytes = 262_144;
/** Transfers below this rate on average make the node worth less, down to half: 250 KB/s is 2 Mbit/s. */
const slowBytesPerMs = 250;
const weightMin = 0.02;
/** How stale a weight may be, and the finest step in which the past fades. */
const refreshMs = 2_000;

export class NodeQuality {
  #fadedAtMs: number;
  #results = 0;
  #failures = 0;
  #connects = 0;
  #connectMsSum = 0;
  #transfers = 0;
  #bytesPerMsSum = 0;
  #failuresInRow = 0;
  #benchedUntilMs = Number.NEGATIVE_INFINITY;
  #givenLately = 0;
  #givenAtMs = 0;
  #weight = 1;
  #weightAtMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.#fadedAtMs = nowMs;
  }

  /** The node was chosen for one more stream. */
  given(nowMs: number): void {
    this.#givenLately = this.givenLately(nowMs) + 1;
    this.#givenAtMs = nowMs;
  }

  /** How often the node was chosen lately; halves every 30 s. What makes equal nodes take turns while none is loaded. */
  givenLately(nowMs: number): number {
    const passedMs = nowMs - this.#givenAtMs;
    return passedMs < givenStepMs ? this.#givenLately : this.#givenLately * 2 ** (-passedMs / givenHalfLifeMs);
  }

  /** A stream opened after `connectMs`, seen from the gateway. */
  connected(connectMs: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#results += 1;
    this.#connects += 1;
    this.#connectMsSum += connectMs;
    this.#failuresInRow = 0;
    this.#benchedUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** A stream did not open, and the node is to blame. */
  failed(nowMs: number): void {
    this.#fade(nowMs);
    this.#results += 1;
    this.#failures += 1;
    this.#weightAtMs = Number.NEGATIVE_INFINITY;
    this.#failuresInRow += 1;
    const beyond = this.#failuresInRow - benchAfterFailures;
    if (beyond >= 0) this.#benchedUntilMs = nowMs + Math.min(benchMsMax, benchMsMin * 2 ** beyond);
  }

  /** A stream did not open, and either the target or the node's own line is to blame. */
  suspected(nowMs: number): void {
    this.#fade(nowMs);
    this.#results += 1;
    this.#failures += suspicion;
  }

  /** An open session died with the node's tunnel. */
  lost(nowMs: number): void {
    this.#fade(nowMs);
    this.#results += 1;
    this.#failures += 1;
    this.#weightAtMs = Number.NEGATIVE_INFINITY;
  }

  /** A session ended that moved `bytes` in `durationMs`. */
  carried(bytes: number, durationMs: number, nowMs: number): void {
    if (bytes < telltaleBytes || durationMs <= 0) return;
    this.#fade(nowMs);
    this.#transfers += 1;
    // A fast transfer shows that the line is not slow, and no more: it must not outweigh many slow ones.
    this.#bytesPerMsSum += Math.min(slowBytesPerMs, bytes / durationMs);
  }

  isBenched(nowMs: number): boolean {
    return nowMs < this.#benchedUntilMs;
  }

  /** What the results make the node worth, above 0 and at most 1. Cheap: computed again every two seconds. */
  weightAt(nowMs: number): number {
    if (nowMs - this.#weightAtMs < refreshMs) return this.#weight;
    this.#fade(nowMs);
    this.#weightAtMs = nowMs;
    const reliability = (this.#results - this.#failures + priorResults) / (this.#results + priorResults);
    const connectMs = (this.#connectMsSum + priorResults * priorConnectMs) / (this.#connects + priorResults);
    const promptness = (slowConnectMs + priorConnectMs) / (slowConnectMs + Math.max(connectMs, priorConnectMs));
    const bytesPerMs = (this.#bytesPerMsSum + priorResults * slowBytesPerMs) / (this.#transfers + priorResults);
    const fluency = (1 + bytesPerMs / slowBytesPerMs) / 2;
    this.#weight = Math.max(weightMin, reliability ** 3 * promptness * fluency);
    return this.#weight;
  }

  #fade(nowMs: number): void {
    const passedMs = nowMs - this.#fadedAtMs;
    if (passedMs < refreshMs) return;
    const kept = 2 ** (-passedMs / qualityHalfLifeMs);
    this.#fadedAtMs = nowMs;
    this.#results *= kept;
    this.#failures *= kept;
    this.#connects *= kept;
    this.#connectMsSum *= kept;
    this.#transfers *= kept;
    this.#bytesPerMsSum *= kept;
  }
}
