/**
 * What one source address may hold and open before and after it has shown good credentials.
 *
 * A source is an IPv4 address or an IPv6 /64. Connections that prove themselves give back what they took from the rate of
 * new ones: from there the limits of their account hold, so a busy customer behind one address is not slowed down by this.
 */
import { type Refusal, refuse } from "@karvon/domain";
import { type Lane, LoadByKey } from "../session/load-by-key.ts";
import { sourceKey } from "../session/source-key.ts";

/** Of all connections that the gateway holds, one source may have this share: the rest stays for others. */
export const sourceShareMax = 0.9;
/** Connections of one source that have not shown good credentials yet. */
export const newcomersPerSourceMax = 1_000;
/** New connections a second of one source that do not show good credentials, and so many at once. */
export const newcomersPerSecond = 1_000;
export const newcomersBurst = 5_000;
const sourcesMax = 32_768;

export interface SourceLimitOptions {
  /** Connections of one source. */
  readonly openMax: number;
  readonly monotonicMs: () => number;
  readonly newcomersMax?: number | undefined;
  readonly newcomersPerSecond?: number | undefined;
  readonly newcomersBurst?: number | undefined;
}

/** One connection's place under its source's limits. */
export interface SourceVisit {
  readonly kind: "visit";
  /** Given back with `leave` when the connection closes. */
  readonly lane: Lane;
  /** Good credentials were shown. Safe to call twice. */
  prove(): void;
  /** The connection has been served or given up without showing any. Does nothing after `prove`. */
  settle(): void;
}

export class SourceLimits {
  readonly #open: LoadByKey;
  readonly #newcomers: LoadByKey;

  constructor(options: SourceLimitOptions) {
    const { monotonicMs } = options;
    this.#open = new LoadByKey({ openMax: options.openMax, perSecond: 0, burst: 0, keysMax: sourcesMax, monotonicMs });
    this.#newcomers = new LoadByKey({
      openMax: options.newcomersMax ?? newcomersPerSourceMax,
      perSecond: options.newcomersPerSecond ?? newcomersPerSecond,
      burst: options.newcomersBurst ?? newcomersBurst,
      keysMax: sourcesMax,
      monotonicMs,
    });
  }

  /** A refusal counts for nothing: the connection is only to be told. */
  enter(address: string): SourceVisit | Refusal {
    const key = sourceKey(address);
    const lane = this.#open.enter(key);
    if (typeof lane === "string") return refuse("concurrency_limit", "this address has too many connections open");
    const newcomer = this.#newcomers.enter(key);
    if (typeof newcomer !== "string") return this.#welcome(lane, newcomer);
    this.#open.leave(lane);
    return newcomer === "too-many"
      ? refuse("overloaded", "too many connections from this address wait")
      : refuse("rate_limited", "this address makes too many new connections a second");
  }

  /** The connection is closed. */
  leave(lane: Lane): void {
    this.#open.leave(lane);
  }

  #welcome(lane: Lane, newcomer: Lane): SourceVisit {
    let isSettled = false;
    return {
      kind: "visit",
      lane,
      prove: () => {
        if (!isSettled) this.#newcomers.leaveUncounted(newcomer);
        isSettled = true;
      },
      settle: () => {
        if (!isSettled) this.#newcomers.leave(newcomer);
        isSettled = true;
      },
    };
  }
}
