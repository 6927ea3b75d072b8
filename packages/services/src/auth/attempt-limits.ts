/**
 * How often somebody may try a password: counted failures in a window, in memory.
 *
 * An account under attack stays open to its owner: the account-wide limit does not count for an address from which
 * the account was signed in before (the caller says so), and the limit per address is that address's own.
 *
 * Limits: 10 failures per account and address, 60 per address, 100 per account, each within 15 minutes; 20,000
 * counters, of which the oldest go first. A restart forgets: it costs an attacker at most one more window.
 */
export const attemptLimits = { perPair: 10, perAddress: 60, perAccount: 100, windowMs: 15 * 60_000, countersMax: 20_000 } as const;

export interface Attempt {
  readonly account: string;
  readonly address: string;
  readonly isKnownAddress: boolean;
}

export interface AttemptLimits {
  /** Counts an attempt before it is made, so that fifty at once are fifty. False when it must not be made. */
  begin(attempt: Attempt, nowMs: number): boolean;
  /** The attempt was the owner's: it does not count. */
  succeed(attempt: Attempt): void;
}

interface Counter {
  count: number;
  endsAtMs: number;
}

export function createAttemptLimits(): AttemptLimits {
  const counters = new Map<string, Counter>();

  function countOf(key: string, nowMs: number): number {
    const counter = counters.get(key);
    return counter === undefined || counter.endsAtMs <= nowMs ? 0 : counter.count;
  }

  function raise(key: string, nowMs: number): void {
    const before = countOf(key, nowMs);
    const endsAtMs = before === 0 ? nowMs + attemptLimits.windowMs : (counters.get(key)?.endsAtMs ?? nowMs);
    counters.delete(key);
    counters.set(key, { count: before + 1, endsAtMs });
    const oldest = counters.size > attemptLimits.countersMax ? counters.keys().next() : undefined;
    if (oldest?.done === false) counters.delete(oldest.value);
  }

  function lower(key: string): void {
    const counter = counters.get(key);
    if (counter !== undefined) counter.count = Math.max(0, counter.count - 1);
  }

  return {
    begin(attempt, nowMs) {
      const keys = keysOf(attempt);
      const isOpen =
        countOf(keys.pair, nowMs) < attemptLimits.perPair &&
        countOf(keys.address, nowMs) < attemptLimits.perAddress &&
        (attempt.isKnownAddress || countOf(keys.account, nowMs) < attemptLimits.perAccount);
      if (isOpen) for (const key of Object.values(keys)) raise(key, nowMs);
      return isOpen;
    },
    succeed(attempt) {
      const keys = keysOf(attempt);
      counters.delete(keys.pair);
      lower(keys.address);
      lower(keys.account);
    },
  };
}

function keysOf(attempt: Attempt): { pair: string; address: string; account: string } {
  return {
    pair: `pair ${attempt.account} ${attempt.address}`,
    address: `address ${attempt.address}`,
    account: `account ${attempt.account}`,
  };
}
