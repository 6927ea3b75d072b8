/** How many sessions a client may have open and open each second, in all gateway processes together. */
import { type Refusal, refuse } from "@karvon/domain";
import type { Accounts, UserAccount } from "./accounts.ts";
import type { Lane } from "./load-by-key.ts";
import type { CountSource, SharedCounts } from "./shared-count.ts";
import type { TargetLimits } from "./target-limits.ts";
import { createTokenBuckets, type TokenBuckets } from "./token-buckets.ts";

export interface SessionLimits {
  /** Null when one more session may open now; a granted one counts against the rate. */
  refuseSession(user: UserAccount): Refusal | null;
}

export interface SessionLimitOptions {
  readonly accounts: Accounts;
  readonly shared: SharedCounts;
  readonly nowMs: () => number;
}

const ratePerSecond = 100;
const rateBurst = 500;
/** Clients with a ceiling above the plan's get a rate to match it. */
const planSessionsMax = 500;
const usersMax = 20_000;
const ceilingsMax = 100;

/** Per proxy user 100 new sessions a second and 500 at once; above the plan's 500 open sessions, as many as the ceiling. */
export function createSessionLimits({ accounts, shared, nowMs }: SessionLimitOptions): SessionLimits {
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

  shareAccounts(accounts, shared, (proxyUserId, began, ceiling) => bucketsFor(ceiling).spend(proxyUserId, began));
  return {
    refuseSession(user) {
      const { client } = user;
      const ofClient = client.sessionsOpen + shared.clients.elsewhere(client.clientId);
      if (ofClient >= client.sessionsMax) {
        return refuse("concurrency_limit", `${ofClient} of ${client.sessionsMax} sessions of the account are open`);
      }
      const ofUser = user.sessionsOpen + shared.users.elsewhere(user.proxyUserId);
      if (user.sessionsMax !== null && ofUser >= user.sessionsMax) {
        return refuse("concurrency_limit", `${ofUser} of ${user.sessionsMax} sessions of proxy user ${user.username} are open`);
      }
      if (bucketsFor(client.sessionsMax).take(user.proxyUserId)) {
        shared.users.began(user.proxyUserId, client.sessionsMax);
        return null;
      }
      return refuse("rate_limited", `proxy user ${user.username} opens too many sessions a second`);
    },
  };
}

function shareAccounts(accounts: Accounts, shared: SharedCounts, spend: CountSource["spend"]): void {
  shared.clients.connect({
    open: (clientId) => accounts.clients.get(clientId)?.sessionsOpen ?? 0,
    *listOpen() {
      for (const { clientId, sessionsOpen } of accounts.clients.values()) if (sessionsOpen > 0) yield [clientId, sessionsOpen];
    },
    spend: () => undefined,
  });
  shared.users.connect({
    open: (proxyUserId) => accounts.users.get(proxyUserId)?.sessionsOpen ?? 0,
    *listOpen() {
      for (const { proxyUserId, sessionsOpen } of accounts.users.values()) if (sessionsOpen > 0) yield [proxyUserId, sessionsOpen];
    },
    spend,
  });
}

/** Where a session counts among those of all clients to its target. */
export interface TargetPlace {
  readonly targets: TargetLimits;
  readonly lane: Lane;
}

/** A session that counts under its account's and its target's limits from now on, so that many requests at once cannot all pass the same check. */
export class SessionSlot {
  readonly user: UserAccount;
  readonly #shared: SharedCounts;
  #place: TargetPlace | null;
  #isReleased = false;

  constructor(user: UserAccount, shared: SharedCounts, place: TargetPlace | null = null) {
    this.user = user;
    this.#shared = shared;
    this.#place = place;
    this.#count(1);
  }

  /** Safe to call twice. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#count(-1);
    this.#place?.targets.leave(this.#place.lane);
    this.#place = null;
  }

  #count(more: 1 | -1): void {
    const { user } = this;
    user.sessionsOpen += more;
    user.client.sessionsOpen += more;
    this.#shared.users.changed(user.proxyUserId);
    this.#shared.clients.changed(user.client.clientId);
  }
}
