/**
 * From what a program sent as its credentials to a principal that may open sessions, or to a refusal.
 *
 * A mistyped parameter is named whoever sent it, unless it stands in the password: that is told only to whom the secret
 * proves. A name that nobody has costs the same steps as one that exists, and so does a wrong parameter. Guessing is
 * bounded by source: 10 failures a minute an address and 30 a minute a name from one address; after that nothing is
 * checked any more, except for a user who has succeeded from there before: the right password always lets them in, and a
 * wrong one is answered like any other, so that an attacker behind the same address locks nobody out and learns nothing.
 *
 * Limits: 50,000 sources remembered, 10,000 successes, 4,096 usernames read.
 */
import { type Ask, type Refusal, refuse } from "@karvon/domain";
import { verifyProxyPassword } from "@karvon/security";
import type { ProxyLogin, ReadAsk } from "@karvon/wire";
import { accountRefusal, type UserAccount } from "./accounts.ts";
import type { Credentials, KnownUser } from "./credentials.ts";
import type { SharedCount } from "./shared-count.ts";
import { createLoginReader } from "./read-login.ts";
import { sourceKey } from "./source-key.ts";
import { askOn } from "./sticky-port.ts";
import { createTokenBuckets, type TokenBuckets } from "./token-buckets.ts";

export interface Principal {
  readonly kind: "principal";
  readonly account: UserAccount;
  readonly ask: Ask;
  /** What the password was checked against; null for an allowlisted address. */
  readonly known: KnownUser | null;
}

/** A refusal with whom it concerns, when that is known for certain. */
export interface AccessRefusal {
  readonly kind: "refused";
  readonly refusal: Refusal;
  readonly account: UserAccount | null;
  /** Too many passwords were wrong: the answer is to be slow. */
  readonly isGuessing?: boolean;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Where a login came from. */
export interface Caller {
  readonly address: string;
  /** The port on which the program connected, when that port stands for a session. */
  readonly stickyPort: number | null;
}

export interface Authoriser {
  /** `login` null: the program sent none, so only an allowlisted address helps. Never rejects. */
  authorise(login: Login | null, caller: Caller): Promise<Principal | AccessRefusal>;
  /** At once, for whom has succeeded from there before and is right again; null for everybody else. Counts nothing. */
  recall(login: Login, caller: Caller): Principal | AccessRefusal | null;
  /** The same login for another request, judged by what is known now; null when it must be looked up again. */
  renew(principal: Principal): Principal | AccessRefusal | null;
  /** Whose credentials these are, for the record of a refusal that has another reason. Costs and limits as `authorise`. */
  identify(login: Login | null, caller: Caller): Promise<UserAccount | null>;
  isAllowlisted(callerAddress: string): Promise<boolean>;
}

export interface AuthoriserOptions {
  readonly credentials: Credentials;
  readonly pepper: Buffer;
  /** Wrong passwords in all gateway processes. */
  readonly guesses: SharedCount;
  readonly nowMs: () => number;
  readonly onFault: (cause: unknown) => void;
}

/** Wrong passwords a minute, and so many at once. */
const failuresPerSourceMax = 10;
const failuresPerNameMax = 30;
const sourcesMax = 50_000;
const successesMax = 10_000;
const nobodysHash = Buffer.alloc(32);

export function createAuthoriser(options: AuthoriserOptions): Authoriser {
  const { credentials, guesses } = options;
  const bySource = failureBuckets(failuresPerSourceMax, options.nowMs);
  const byName = failureBuckets(failuresPerNameMax, options.nowMs);
  const successes = createSuccesses();
  guesses.connect({ open: () => 0, listOpen: () => [], spend: (source, began) => bySource.spend(source, began) });
  const readLogin = createLoginReader();

  async function withPassword(login: Login, callerAddress: string): Promise<Proven | AccessRefusal> {
    const read = readLogin(login.username, login.password);
    if (read.kind === "refused") return denied(read);
    const source = sourceKey(callerAddress);
    const key = successKey(callerAddress, read);
    const isKnownHere = successes.has(key);
    const mayGuess = (bySource.has(source) || isKnownHere) && byName.has(key);
    if (!mayGuess && !isKnownHere) return tooManyGuesses;
    const known = await credentials.findUser(read.user);
    const isRight = verifyProxyPassword(options.pepper, read.secret, known?.facts.secretHash ?? nobodysHash);
    if (known === null || !isRight) {
      if (!mayGuess) return tooManyGuesses;
      bySource.take(source);
      guesses.began(source);
      byName.take(key);
      return denied(strangersRefusal(read));
    }
    successes.note(key);
    return { kind: "proven", known, wish: accountRefusalOf(read, known) ?? read.wish };
  }

  async function withAddress(callerAddress: string): Promise<Proven | AccessRefusal> {
    const allowed = await credentials.findAllowlisted(callerAddress);
    if (allowed === null) return denied(refuse("auth_missing", "no credentials were sent and this address is on no allowlist"));
    const read = readLogin(`${allowed.username}${allowed.defaultParameters}`, "");
    if (read.kind === "refused") return denied(read);
    const known = await credentials.findUser(read.user);
    if (known === null) return denied(refuse("auth_failed", "the proxy user of this address is gone"));
    return { kind: "proven", known, wish: read.wish };
  }

  function prove(login: Login | null, callerAddress: string): Promise<Proven | AccessRefusal> {
    return login === null ? withAddress(callerAddress) : withPassword(login, callerAddress);
  }

  return {
    async authorise(login, caller) {
      try {
        const proven = await prove(login, caller.address);
        return proven.kind === "proven" ? admitted(proven, caller, login !== null) : proven;
      } catch (cause) {
        options.onFault(cause);
        return denied(refuse("internal", "the account could not be looked up"));
      }
    },
    recall: (login, caller) => recalled(readLogin(login.username, login.password), caller, { ...options, successes }),
    renew: (principal) => renewed(principal, credentials, options.nowMs()),
    async identify(login, caller) {
      try {
        const proven = await prove(login, caller.address);
        return proven.kind === "proven" ? proven.known.account : null;
      } catch (cause) {
        options.onFault(cause);
        return null;
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

function recalled(
  read: ProxyLogin | Refusal,
  caller: Caller,
  { credentials, pepper, nowMs, successes }: AuthoriserOptions & { readonly successes: Successes },
): Principal | AccessRefusal | null {
  if (read.kind === "refused" || !successes.has(successKey(caller.address, read))) return null;
  const known = credentials.peek(read.user);
  if (known === null || !verifyProxyPassword(pepper, read.secret, known.facts.secretHash)) return null;
  known.account.usedAtMs = known.account.client.usedAtMs = nowMs();
  return admitted({ kind: "proven", known, wish: accountRefusalOf(read, known) ?? read.wish }, caller, true);
}

function renewed(principal: Principal, credentials: Credentials, nowMs: number): Principal | AccessRefusal | null {
  const { known, account } = principal;
  // Another entry, also one with the same facts, means that the password may be another too.
  if (known === null || credentials.peek(known.facts.username) !== known) return null;
  account.usedAtMs = account.client.usedAtMs = nowMs;
  const refusal = accountRefusal(account);
  return refusal === null ? principal : { kind: "refused", refusal, account };
}

function failureBuckets(perMinute: number, nowMs: () => number): TokenBuckets {
  return createTokenBuckets({ burst: perMinute, perSecond: perMinute / 60, keysMax: sourcesMax, nowMs });
}

interface Successes {
  has(key: string): boolean;
  note(key: string): void;
}

/** Who has succeeded from where; the oldest makes room. */
function createSuccesses(): Successes {
  const keys = new Set<string>();
  return {
    has: (key) => keys.has(key),
    note(key) {
      if (keys.has(key)) return;
      keys.add(key);
      if (keys.size <= successesMax) return;
      for (const oldest of keys) {
        keys.delete(oldest);
        return;
      }
    },
  };
}

function successKey(callerAddress: string, { user }: ProxyLogin): string {
  return `${sourceKey(callerAddress)} ${user}`;
}

/** Whose the login is, for certain, and what it asks for. */
interface Proven {
  readonly kind: "proven";
  readonly known: KnownUser;
  readonly wish: ReadAsk | Refusal;
}

/** A part of a password is named only to whom it belongs. */
function strangersRefusal(read: ProxyLogin): Refusal {
  if (read.wish.kind === "refused" && read.dialect !== "iproyal") return read.wish;
  return refuse("auth_failed", "no proxy user has this name and password");
}

/** The account in Bright Data's form must be the user's own: a wish for another account is not ignored. */
function accountRefusalOf(read: ProxyLogin, known: KnownUser): Refusal | null {
  if (read.clientId === null || read.clientId === known.facts.clientId) return null;
  return refuse("bad_username", `the customer in the username is not this proxy user's account, which is ${known.facts.clientId}`);
}

const tooManyGuesses: AccessRefusal = {
  kind: "refused",
  refusal: refuse("rate_limited", "too many wrong passwords from this address"),
  account: null,
  isGuessing: true,
};

function denied(refusal: Refusal): AccessRefusal {
  return { kind: "refused", refusal, account: null };
}

function admitted({ known, wish }: Proven, caller: Caller, hasPassword: boolean): Principal | AccessRefusal {
  const { account } = known;
  if (wish.kind === "refused") return { kind: "refused", refusal: wish, account };
  const refusal = account.rules.refuseSource(caller.address) ?? accountRefusal(account);
  if (refusal !== null) return { kind: "refused", refusal, account };
  return { kind: "principal", account, ask: askOn(caller.stickyPort, wish), known: hasPassword ? known : null };
}
