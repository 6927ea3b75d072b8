/**
 * Who is asking: proxy users and allowlisted addresses, remembered for a short while.
 *
 * A remembered user is asked for again after 30 s, at once after a notice, and when the database is away the last
 * answer stands for 10 minutes more. A name that nobody has is remembered for 5 s. Passwords are never remembered.
 *
 * Limits: 20,000 users, 20,000 names and addresses without a user; one question to the database per name at a time.
 */
import type { AllowlistedUser, GatewayDatabase, ProxyUserFacts } from "@karvon/db/sql";
import type { Accounts, UserAccount } from "./accounts.ts";

export interface KnownUser {
  readonly facts: Pick<ProxyUserFacts, "username" | "clientId" | "secretHash">;
  readonly account: UserAccount;
  readonly loadedAtMs: number;
}

export interface Credentials {
  /** Null when nobody has the name. Rejects when the database is away and nothing is remembered. */
  findUser(username: string): Promise<KnownUser | null>;
  findAllowlisted(address: string): Promise<AllowlistedUser | null>;
  /** Asks again about every user that `isConcerned` and is remembered or has a session open. */
  reload(isConcerned: (account: UserAccount) => boolean): Promise<void>;
  /** Forgets the names and addresses without a user: one may have been created. */
  forgetStrangers(): void;
  /** The fresh entry or null, without asking anybody. */
  peek(username: string): KnownUser | null;
}

export interface CredentialsOptions {
  readonly database: Pick<GatewayDatabase, "findProxyUser" | "findAllowlistedUser">;
  readonly accounts: Accounts;
  readonly nowMs: () => number;
}

const freshMs = 30_000;
const staleMs = 600_000;
const strangerMs = 5_000;
const allowlistMs = 30_000;
const entriesMax = 20_000;

export function createCredentials(options: CredentialsOptions): Credentials {
  const users = new Map<string, KnownUser>();
  const strangers = new Map<string, number>();
  const allowlist = new Map<string, { user: AllowlistedUser | null; atMs: number }>();
  /** Grows whenever addresses are forgotten: an answer that was under way meanwhile may be older than the change. */
  let allowlistAge = 0;
  /** At most one for each client connection, and one for a reload. */
  const asking = new Map<string, Promise<KnownUser | null>>();

  async function load(username: string): Promise<KnownUser | null> {
    const facts = await options.database.findProxyUser(username);
    if (facts === null) {
      // The account learns it too: sessions that are still open are cut by the next tick.
      const gone = users.get(username);
      if (gone !== undefined) gone.account.isEnabled = false;
      users.delete(username);
      remember(strangers, username, options.nowMs());
      return null;
    }
    const known = { facts: identityOf(facts), account: options.accounts.update(facts), loadedAtMs: options.nowMs() };
    remember(users, username, known);
    return known;
  }

  function ask(username: string): Promise<KnownUser | null> {
    const inFlight = asking.get(username);
    if (inFlight !== undefined) return inFlight;
    const question = load(username).finally(() => asking.delete(username));
    asking.set(username, question);
    return question;
  }

  function peek(username: string): KnownUser | null {
    const known = users.get(username);
    if (known === undefined || options.nowMs() - known.loadedAtMs >= freshMs) return null;
    // A user has one account: one that was forgotten would count and hold bytes beside the next.
    return options.accounts.users.get(known.account.proxyUserId) === known.account ? known : null;
  }

  return {
    peek,
    async findUser(username) {
      const fresh = peek(username);
      if (fresh !== null) {
        fresh.account.usedAtMs = fresh.account.client.usedAtMs = options.nowMs();
        return fresh;
      }
      const strangerAtMs = strangers.get(username);
      if (strangerAtMs !== undefined && options.nowMs() - strangerAtMs < strangerMs) return null;
      try {
        return await ask(username);
      } catch (cause) {
        const stale = users.get(username);
        if (stale !== undefined && options.nowMs() - stale.loadedAtMs < staleMs) return stale;
        throw cause;
      }
    },
    async findAllowlisted(address) {
      const known = allowlist.get(address);
      if (known !== undefined && options.nowMs() - known.atMs < allowlistMs) return known.user;
      const age = allowlistAge;
      const user = await options.database.findAllowlistedUser(address);
      if (age === allowlistAge) remember(allowlist, address, { user, atMs: options.nowMs() });
      return user;
    },
    async reload(isConcerned) {
      // One after the other: an admin's change must not take every connection of the pool from new sessions.
      for (const account of listAccounts(users, options.accounts).filter(isConcerned)) {
        const known = await ask(account.username);
        // Nobody has the name any more, or another user has it.
        if (known?.account !== account) account.isEnabled = false;
      }
    },
    forgetStrangers() {
      strangers.clear();
      allowlist.clear();
      allowlistAge += 1;
    },
  };
}

/** The rest is the account's: a client's tags, say, are not to be kept once for each user. */
function identityOf({ username, clientId, secretHash }: ProxyUserFacts): KnownUser["facts"] {
  return { username, clientId, secretHash };
}

/** Of users that are remembered or have a session open, each once. */
function listAccounts(users: ReadonlyMap<string, KnownUser>, accounts: Accounts): UserAccount[] {
  const remembered = [...users.values()].map((known) => known.account);
  const inUse = [...accounts.users.values()].filter((account) => account.sessionsOpen > 0);
  return [...new Set([...remembered, ...inUse])];
}

/** Puts an entry last; the first, which is the oldest, makes room. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= entriesMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
