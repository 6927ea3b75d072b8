/**
 * How much all clients together may send to one target: sessions open at once and new ones a second, per registrable host.
 *
 * A target that the operator of this gateway let in by hand (KARVON_EGRESS_ALLOW) is its own business and not counted.
 * Several gateway processes count together (shared-count.ts).
 */
import { checkAddress, type Destination, type EgressAllow, noEgressAllow, type Refusal, refuse, registrableHost } from "@karvon/domain";
import { type Lane, LoadByKey } from "./load-by-key.ts";
import type { SharedCount } from "./shared-count.ts";

export const targetSessionsMaxDefault = 5_000;
export const targetSessionsPerSecondDefault = 1_000;
/** Seconds' worth of new sessions that may come at once. */
const burstSeconds = 2;
const targetsMax = 32_768;
const ownTargetsMax = 1_000;

export interface TargetLimitOptions {
  /** 0 is no limit. */
  readonly sessionsMax: number;
  readonly sessionsPerSecond: number;
  /** So many may come at once; two seconds' worth when left out. */
  readonly burst?: number | undefined;
  readonly egressAllow: EgressAllow;
  readonly shared: SharedCount;
  readonly monotonicMs: () => number;
}

export class TargetLimits {
  readonly #options: TargetLimitOptions;
  readonly #load: LoadByKey;
  readonly #isOff: boolean;
  readonly #hasOwn: boolean;
  /** Addresses that were looked up and are the operator's own. */
  readonly #own = new Set<string>();

  constructor(options: TargetLimitOptions) {
    const { sessionsMax, sessionsPerSecond, egressAllow, monotonicMs } = options;
    this.#options = options;
    this.#isOff = sessionsMax === 0 && sessionsPerSecond === 0;
    this.#hasOwn = egressAllow.prefixes.length > 0 || egressAllow.endpoints.length > 0;
    const limits = { openMax: sessionsMax, perSecond: sessionsPerSecond, burst: options.burst ?? sessionsPerSecond * burstSeconds };
    const load = new LoadByKey({ ...limits, keysMax: targetsMax, monotonicMs });
    this.#load = load;
    options.shared.connect({
      open: (host) => load.openOf(host),
      listOpen: () => load.listOpen(),
      spend: (host, began) => load.spend(host, began),
    });
  }

  /** A lane to `leave` by, null when the target is not counted, or a refusal. */
  enter(destination: Destination): Lane | Refusal | null {
    if (this.#isOff || (this.#hasOwn && destination.kind === "address" && this.#isOwn(destination.host))) return null;
    const host = destination.kind === "address" ? destination.host : registrableHost(destination.host);
    const { shared } = this.#options;
    const lane = this.#load.enter(host, shared.elsewhere(host));
    if (lane === "too-many")
      return refuse("target_throttled", `all clients together have ${this.#options.sessionsMax} sessions to ${host} open`);
    if (lane === "too-fast") return refuse("target_throttled", `all clients together open too many sessions a second to ${host}`);
    shared.changed(host);
    shared.began(host);
    return lane;
  }

  leave(lane: Lane): void {
    this.#load.leave(lane);
    this.#options.shared.changed(lane.key);
  }

  #isOwn(address: string): boolean {
    if (this.#own.has(address)) return true;
    if (checkAddress(address, noEgressAllow).kind === "allowed") return false;
    if (this.#own.size >= ownTargetsMax) this.#own.clear();
    this.#own.add(address);
    return true;
  }
}
