/**
 * From what a program sent as its credentials to a principal that may open sessions, or to a refusal.
 *
 * The grammar is read first, so a mistyped parameter is named whoever sent it. A name that nobody has costs the same
 * hashing as one that exists. Guessing is bounded by source: 10 failures a minute an address and 30 a minute a name from
 * one address; after that nothing is checked any more, except for a user who has succeeded from there before, so that an
 * attacker behind the same address locks nobody out.
 *
 * Limits: 50,000 sources remembered, 10,000 successes.
 */
import { type Ask, type Refusal, refuse } from "@karvon/domain";
import { verifyProxyPassword } from "@karvon/security";
import { readProxyUsername } from "@karvon/wire";
import { accountRefusal, type UserAccount } from "./accounts.ts";
import type { Credentials } from "./credentials.ts";
import { sourceKey } from "./source-key.ts";
import { createTokenBuckets } from "./token-buckets.ts";

export interface Principal {
  readonly kind: "principal";
  readonly account: UserAccount;
  readonly ask: Ask;
}

/** A refusal with whom it concerns, when that is known for certain. */
export interface AccessRefusal {
  readonly kind: "refused";
  readonly refusal: Refusal;
  readonly account: UserAccount | null;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface Authoriser {
  /** `login` null: the program sent none, so only an allowlisted address helps. Never rejects. */
  authorise(login: Login | null, callerAddress: string): Promise<Principal | AccessRefusal>;
  isAllowlisted(callerAddress: string): Promise<boolean>;
}

export interface AuthoriserOptions {
  readonly credentials: Credentials;
  readonly pepper: Buffer;
  readonly nowMs: () => number;
  readonly onFault: (cause: unknown) => void;
}

const sourcesMax = 50_000;
const successesMax = 10_000;
const nobodysHash = Buffer.alloc(32);

export function createAuthoriser(options: AuthoriserOptions): Authoriser {
  const { credentials } = options;
  const bySource = createTokenBuckets({ burst: 10, perSecond: 10 / 60, keysMax: sourcesMax, nowMs: options.nowMs });
  const byName = createTokenBuckets({ burst: 30, perSecond: 30 / 60, keysMax: sourcesMax, nowMs: options.nowMs });
  const successes = new Set<string>();

  function noteSuccess(key: string): void {
    if (successes.has(key)) return;
    successes.add(key);
    if (successes.size <= successesMax) return;
    for (const oldest of successes) {
      successes.delete(oldest);
      return;
    }
  }

  async function withPassword(login: Login, callerAddress: string): Promise<Principal | AccessRefusal> {
    const target = readProxyUsername(login.username);
    if (target.kind === "refused") return denied(target);
    const source = sourceKey(callerAddress);
    const key = `${source} ${target.user}`;
    const mayTry = (bySource.has(source) || successes.has(key)) && byName.has(key);
    if (!mayTry) return denied(refuse("rate_limited", "too many wrong passwords from this address"));
    const known = await credentials.findUser(target.user);
    const isRight = verifyProxyPassword(options.pepper, login.password, known?.facts.secretHash ?? nobodysHash);
    if (known === null || !isRight) {
      bySource.take(source);
      byName.take(key);
      return denied(refuse("auth_failed", "no proxy user has this name and password"));
    }
    noteSuccess(key);
    return admitted(known.account, target.ask);
  }

  async function withAddress(callerAddress: string): Promise<Principal | AccessRefusal> {
    const allowed = await credentials.findAllowlisted(callerAddress);
    if (allowed === null) return denied(refuse("auth_missing", "no credentials were sent and this address is on no allowlist"));
    const target = readProxyUsername(`${allowed.username}${allowed.defaultParameters}`);
    if (target.kind === "refused") return denied(target);
    const known = await credentials.findUser(target.user);
    if (known === null) return denied(refuse("auth_failed", "the proxy user of this address is gone"));
    return admitted(known.account, target.ask);
  }

  return {
    async authorise(login, callerAddress) {
      try {
        return await (login === null ? withAddress(callerAddress) : withPassword(login, callerAddress));
      } catch (cause) {
        options.onFault(cause);
        return denied(refuse("internal", "the account could not be looked up"));
      }
    },
    async isAllowlisted(callerAddress) {
      try {
        return (await credentials.findAllowlisted(callerAddress)) !== null;
      } catch (cause) {
        options.onFault(cause);
        return false;
      }
    },
  };
}

function denied(refusal: Refusal): AccessRefusal {
  return { kind: "refused", refusal, account: null };
}

function admitted(account: UserAccount, ask: Ask): Principal | AccessRefusal {
  const refusal = accountRefusal(account);
  return refusal === null ? { kind: "principal", account, ask } : { kind: "refused", refusal, account };
}
