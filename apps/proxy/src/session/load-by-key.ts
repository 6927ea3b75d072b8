/**
 * How much each key has open now and how fast it opens more: a source address, a target host.
 *
 * `enter` answers a lane, which whoever entered keeps until `leave`: going out costs no look-up. A limit of 0 is none. A
 * key with nothing open is remembered for its rate until the keys are too many; forgetting it can only be generous.
 *
 * Limits: `keysMax` keys; beyond it, with something open in each, further keys are let through without being counted.
 */
export interface LoadLimits {
  readonly openMax: number;
  readonly perSecond: number;
  /** So many may come at once. */
  readonly burst: number;
}

export interface Lane {
  readonly key: string;
  open: number;
  tokens: number;
  atMs: number;
}

export interface LoadByKeyOptions extends LoadLimits {
  readonly keysMax: number;
  readonly monotonicMs: () => number;
}

export class LoadByKey {
  readonly #options: LoadByKeyOptions;
  readonly #lanes = new Map<string, Lane>();

  constructor(options: LoadByKeyOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** `elsewhere` counts with what is open here. */
  enter(key: string, elsewhere = 0): Lane | "too-many" | "too-fast" {
    const { openMax, perSecond } = this.#options;
    const lane = this.#lanes.get(key) ?? this.#addLane(key);
    if (openMax > 0 && lane.open + elsewhere >= openMax) return "too-many";
    if (perSecond > 0 && !this.#takeToken(lane)) return "too-fast";
    lane.open += 1;
    return lane;
  }

  leave(lane: Lane): void {
    lane.open -= 1;
  }

  /** So many more count against the key's rate; they were let in already. */
  spend(key: string, tokens: number): void {
    const lane = this.#lanes.get(key) ?? this.#addLane(key);
    this.#refill(lane);
    lane.tokens -= tokens;
  }

  openOf(key: string): number {
    return this.#lanes.get(key)?.open ?? 0;
  }

  *listOpen(): Generator<readonly [key: string, open: number]> {
    for (const { key, open } of this.#lanes.values()) if (open > 0) yield [key, open];
  }

  /** Leaves as if it had never come: what was taken from the rate is given back. */
  leaveUncounted(lane: Lane): void {
    lane.open -= 1;
    lane.tokens = Math.min(this.#options.burst, lane.tokens + 1);
  }

  #takeToken(lane: Lane): boolean {
    this.#refill(lane);
    if (lane.tokens < 1) return false;
    lane.tokens -= 1;
    return true;
  }

  #refill(lane: Lane): void {
    const { perSecond, burst, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    lane.tokens = Math.min(burst, lane.tokens + (Math.max(0, nowMs - lane.atMs) / 1_000) * perSecond);
    lane.atMs = nowMs;
  }

  #addLane(key: string): Lane {
    const { keysMax, burst, monotonicMs } = this.#options;
    if (this.#lanes.size >= keysMax) this.#forgetIdle();
    const lane = { key, open: 0, tokens: burst, atMs: monotonicMs() };
    if (this.#lanes.size < keysMax) this.#lanes.set(key, lane);
    return lane;
  }

  #forgetIdle(): void {
    for (const [key, lane] of this.#lanes) if (lane.open === 0) this.#lanes.delete(key);
  }
}
