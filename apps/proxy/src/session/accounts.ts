/**
 * What this gateway knows of the money and limits of the clients that use it now.
 *
 * The database's balance is as old as the last flush; `pendingBytes` is what was carried since and is not posted yet. Their
 * difference decides only until the database has granted a user bytes: from then on its quota (quota/quota.ts) does.
 * Nothing here is a ledger.
 *
 * Limits: 50,000 accounts of each kind; accounts without open sessions, pending bytes and bytes in hand are forgotten
 * after 10 minutes. Tags with caps: 1,000 of a client, as the panel allows.
 */
import type { ProxyUserFacts } from "@karvon/db/sql";
import { type Refusal, refuse } from "@karvon/domain";
import type { Quota } from "../quota/quota.ts";
import { readUserRules, type UserRules } from "./user-rules.ts";

export interface ClientAccount {
  readonly clientId: string;
  balanceBytes: number;
  /** What its wallet would buy, as of the last look at the client. */
  walletBytes: number;
  pendingBytes: number;
  sessionsOpen: number;
  sessionsMax: number;
  isActive: boolean;
  /** It must be verified first. */
  isKycMissing: boolean;
  interimCreditBytes: number;
  /** Tags with caps as the database told them last, and the same by tag. */
  tagCaps: string;
  capsByTag: ReadonlyMap<string, string>;
  /** Tags with caps that sessions use here. */
  readonly tags: Map<string, TagAccount>;
  usedAtMs: number;
}

/** A tag of a client's that has caps. */
export interface TagAccount {
  readonly tag: string;
  readonly client: ClientAccount;
  /** Null when the caps were taken away. */
  readonly caps: string | null;
  sessionsOpen: number;
  /** Null until it opens its first session here. */
  quota: Quota<UserAccount | TagAccount> | null;
}

export interface UserAccount {
  readonly proxyUserId: string;
  readonly client: ClientAccount;
  username: string;
  usedBytes: number;
  pendingBytes: number;
  limitBytes: number | null;
  /** All its limits as one text: another text, other limits. */
  caps: string;
  sessionsOpen: number;
  sessionsMax: number | null;
  isEnabled: boolean;
  rules: UserRules;
  priceId: string;
  /** Null until it opens its first session here. */
  quota: Quota<UserAccount | TagAccount> | null;
  usedAtMs: number;
}

export interface Accounts {
  /** Takes what the database says now. Balances are taken only while nothing is pending: otherwise the flush knows better. */
  update(facts: ProxyUserFacts): UserAccount;
  setBalance(clientId: string, balanceBytes: bigint): ClientAccount | null;
  /** Null for a tag without caps. */
  tagOf(client: ClientAccount, tag: string): TagAccount | null;
  /** It is still the account that sessions find. */
  isKept(account: UserAccount | TagAccount): boolean;
  readonly clients: ReadonlyMap<string, ClientAccount>;
  readonly users: ReadonlyMap<string, UserAccount>;
  /** Forgets idle accounts. Called now and then. */
  sweep(): void;
}

const accountsMax = 50_000;
const forgetAfterMs = 600_000;

export function createAccounts(nowMs: () => number): Accounts {
  const clients = new Map<string, ClientAccount>();
  const users = new Map<string, UserAccount>();

  function clientOf(facts: ProxyUserFacts): ClientAccount {
    const known = clients.get(facts.clientId);
    const client = known ?? newClient(facts);
    if (client.pendingBytes === 0) client.balanceBytes = Number(facts.balanceBytes);
    client.walletBytes = Number(facts.walletBytes);
    client.sessionsMax = facts.clientConcurrencyMax;
    client.isActive = facts.isClientActive;
    client.isKycMissing = facts.isKycMissing;
    client.interimCreditBytes = Number(facts.interimCreditBytes);
    if (client.tagCaps !== facts.tagCaps) {
      client.tagCaps = facts.tagCaps;
      client.capsByTag = readTagCaps(facts.tagCaps);
    }
    client.usedAtMs = nowMs();
    clients.set(facts.clientId, client);
    return client;
  }

  function userOf(facts: ProxyUserFacts, client: ClientAccount): UserAccount {
    const rules = readUserRules(facts);
    const user: UserAccount = users.get(facts.proxyUserId) ?? newUser(facts, client, rules);
    if (user.pendingBytes === 0) user.usedBytes = Number(facts.usedBytes);
    user.limitBytes = facts.trafficLimitBytes === null ? null : Number(facts.trafficLimitBytes);
    user.caps = facts.caps;
    user.sessionsMax = facts.concurrencyMax;
    user.isEnabled = facts.isEnabled;
    user.rules = rules;
    user.priceId = facts.priceId;
    user.usedAtMs = nowMs();
    users.set(facts.proxyUserId, user);
    return user;
  }

  function isForgettable(account: ClientAccount | UserAccount, atMs: number, size: number): boolean {
    if (account.sessionsOpen > 0 || account.pendingBytes > 0) return false;
    return size > accountsMax || account.usedAtMs < atMs - forgetAfterMs;
  }

  return {
    update: (facts) => userOf(facts, clientOf(facts)),
    setBalance(clientId, balanceBytes) {
      const client = clients.get(clientId);
      if (client !== undefined) client.balanceBytes = Number(balanceBytes);
      return client ?? null;
    },
    tagOf(client, tag) {
      if (!client.capsByTag.has(tag)) return null;
      const known = client.tags.get(tag) ?? newTag(client, tag);
      client.tags.set(tag, known);
      return known;
    },
    isKept: (account) => ("tag" in account ? account.client.tags.get(account.tag) : users.get(account.proxyUserId)) === account,
    clients,
    users,
    sweep() {
      const atMs = nowMs();
      for (const [id, user] of users) if (!holdsBytes(user) && isForgettable(user, atMs, users.size)) users.delete(id);
      const inUse = new Set([...users.values()].map((user) => user.client));
      for (const [id, client] of clients) {
        for (const [tag, account] of client.tags) if (account.sessionsOpen === 0 && !holdsBytes(account)) client.tags.delete(tag);
        if (!inUse.has(client) && client.tags.size === 0 && isForgettable(client, atMs, clients.size)) clients.delete(id);
      }
    },
  };
}

/** What was granted is given back first: another account of the same user would be told of it as its own. */
function holdsBytes({ quota }: UserAccount | TagAccount): boolean {
  return quota !== null && quota.inHandBytes > 0;
}

function newClient(facts: ProxyUserFacts): ClientAccount {
  return {
    clientId: facts.clientId,
    balanceBytes: Number(facts.balanceBytes),
    walletBytes: 0,
    pendingBytes: 0,
    sessionsOpen: 0,
    sessionsMax: 0,
    isActive: false,
    isKycMissing: false,
    interimCreditBytes: 0,
    tagCaps: "",
    capsByTag: new Map(),
    tags: new Map(),
    usedAtMs: 0,
  };
}

/** `crawl=1000,, shop=,50,`: a tag has no "=" and no blank. */
function readTagCaps(text: string): ReadonlyMap<string, string> {
  const caps = new Map<string, string>();
  for (const part of text.split(" ")) {
    const [tag = "", limits = ""] = part.split("=");
    if (tag !== "") caps.set(tag, limits);
  }
  return caps;
}

function newTag(client: ClientAccount, tag: string): TagAccount {
  return {
    tag,
    client,
    get caps() {
      return client.capsByTag.get(tag) ?? null;
    },
    sessionsOpen: 0,
    quota: null,
  };
}

function newUser(facts: ProxyUserFacts, client: ClientAccount, rules: UserRules): UserAccount {
  return {
    proxyUserId: facts.proxyUserId,
    client,
    username: facts.username,
    usedBytes: Number(facts.usedBytes),
    pendingBytes: 0,
    limitBytes: null,
    caps: facts.caps,
    sessionsOpen: 0,
    sessionsMax: null,
    isEnabled: false,
    rules,
    priceId: facts.priceId,
    quota: null,
    usedAtMs: 0,
  };
}

/** Bytes that the client may still move, bought or to be bought by its wallet; negative when it owes. */
export function freeBytes(client: ClientAccount): number {
  return client.balanceBytes + client.walletBytes - client.pendingBytes;
}

/** Why this user may not open another session now, or null. */
export function accountRefusal(user: UserAccount): Refusal | null {
  return stateRefusal(user) ?? trafficRefusal(user);
}

/** Why this user may not go on, or null, whatever is granted. Asked every second of every open session. */
export function stateRefusal(user: UserAccount): Refusal | null {
  if (!user.client.isActive) return refuse("account_suspended", "the client account is not active");
  if (user.client.isKycMissing) return refuse("kyc_required", "the client account must be verified first");
  if (!user.isEnabled) return refuse("user_disabled", `proxy user ${user.username} is disabled`);
  // A limit that is reached ends by the grants; one that was lowered meanwhile is already passed.
  return user.limitBytes !== null && user.usedBytes + user.pendingBytes > user.limitBytes ? limitReached(user) : null;
}

function trafficRefusal(user: UserAccount): Refusal | null {
  const { quota } = user;
  if (quota !== null && (quota.isHeard || quota.shortage !== null)) return quota.refuse();
  if (freeBytes(user.client) <= 0) return refuse("balance_exhausted", "0 bytes are left on the account");
  return user.limitBytes !== null && user.usedBytes + user.pendingBytes >= user.limitBytes ? limitReached(user) : null;
}

function limitReached(user: UserAccount): Refusal {
  return refuse("limit_reached", `proxy user ${user.username} used ${user.usedBytes + user.pendingBytes} of ${user.limitBytes} bytes`);
}
