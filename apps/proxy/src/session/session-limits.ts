/** How many sessions a client may have open and open each second. */
import { type Refusal, refuse } from "@karvon/domain";
import type { UserAccount } from "./accounts.ts";
import type { Lane } from "./load-by-key.ts";
import type { TargetLimits } from "./target-limits.ts";
import { createTokenBuckets, type TokenBuckets } from "./token-buckets.ts";

export interface SessionLimits {
  /** Null when one more session may open now; a granted one counts against the rate. */
  refuseSession(user: UserAccount): Refusal | null;
}

const ratePerSecond = 100;
const rateBurst = 500;
/** Clients with a ceiling above the plan's get a rate to match it. */
const planSessionsMax = 500;
const usersMax = 20_000;
const ceilingsMax = 100;

/** Per proxy user 100 new sessions a second and 500 at once; above the plan's 500 open sessions, as many as the ceiling. */
export function createSessionLimits(nowMs: () => number): SessionLimits {
  const plan = createTokenBuckets({ burst: rateBurst, perSecond: ratePerSecond, keysMax: usersMax, nowMs });
  const larger = new Map<number, TokenBuckets>();

  function bucketsFor(ceiling: number): TokenBuckets {
    if (ceiling <= planSessionsMax) return plan;
    let buckets = larger.get(ceiling);
    if (buckets === undefined) {
      if (larger.size >= ceilingsMax) larger.clear();
      buckets = createTokenBuckets({ burst: ceiling, perSecond: ceiling, keysMax: usersMax, nowMs });
      larger.set(ceiling, buckets);
    }
    return buckets;
  }

  return {
    refuseSession(user) {
      const { client } = user;
      if (client.sessionsOpen >= client.sessionsMax) {
        return refuse("concurrency_limit", `${client.sessionsOpen} of ${client.sessionsMax} sessions of the account are open`);
      }
      if (user.sessionsMax !== null && user.sessionsOpen >= user.sessionsMax) {
        return refuse("concurrency_limit", `${user.sessionsOpen} of ${user.sessionsMax} sessions of proxy user ${user.username} are open`);
      }
      if (bucketsFor(client.sessionsMax).take(user.proxyUserId)) return null;
      return refuse("rate_limited", `proxy user ${user.username} opens too many sessions a second`);
    },
  };
}

/** Where a session counts among those of all clients to its target. */
export interface TargetPlace {
  readonly targets: TargetLimits;
  readonly lane: Lane;
}

/** A session that counts under its account's and its target's limits from now on, so that many requests at once cannot all pass the same check. */
export class SessionSlot {
  readonly user: UserAccount;
  #place: TargetPlace | null;
  #isReleased = false;

  constructor(user: UserAccount, place: TargetPlace | null = null) {
    this.user = user;
    this.#place = place;
    user.sessionsOpen += 1;
    user.client.sessionsOpen += 1;
  }

  /** Safe to call twice. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.user.sessionsOpen -= 1;
    this.user.client.sessionsOpen -= 1;
    this.#place?.targets.leave(this.#place.lane);
    this.#place = null;
  }
}
