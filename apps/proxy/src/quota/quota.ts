/**
 * What this gateway holds for one proxy user, or of one tag's caps: the bytes that the database granted and that its streams have
 * not moved yet.
 *
 * Streams take from `allowance`. A fifth of the grant is kept behind it: when the front part is spent, the rest is put in and
 * the next grant is asked for meanwhile. When that is spent too, nothing moves until the answer is there. Nothing here counts
 * what is charged; totals are the ones that the streams have taken.
 *
 * It asks nobody itself: `desk` does, one call at a time.
 */
import type { QuotaTaken } from "@karvon/db/sql";
import { type Refusal, refuse } from "@karvon/domain";
import { Allowance, type AllowanceSource } from "@karvon/tunnel";

/**
 * Why nothing moves: the balance, a cap in total, of the day or of the month, the wallet of a client that pays as it goes, what it
 * may spend in a month, or a database that does not answer.
 */
export type QuotaShortage = "balance" | "limit" | "day" | "month" | "wallet" | "spending_cap" | "ledger";

export interface QuotaDesk {
  /** More is needed: asks as soon as it may. */
  ask(quota: Quota): void;
}

interface Owner {
  readonly client: { readonly clientId: string };
  /** The caps that the owner has now; another text, other caps. Null when there are none any more. */
  readonly caps: string | null;
}
export type QuotaOwner = Owner & ({ readonly proxyUserId: string; readonly username: string } | { readonly tag: string });

/** The share of a grant at which the next one is asked for. */
const renewAtShare = 0.8;
const wantBytesMin = 1_048_576;
const wantBytesMax = 268_435_456;
/** So long a grant is to last at the present rate. */
const wantSeconds = 20;
/** With less in hand and no more to be had, what is on its way through a tunnel must be little. */
export const scarceBytesMax = 16_777_216;
export const scarceWindowBytes = 262_144;
/** A rate over less is a guess. */
const lookSecondsMin = 0.01;

export class Quota<Of extends QuotaOwner = QuotaOwner> implements AllowanceSource {
  readonly owner: Of;
  readonly allowance = new Allowance(0, this);
  /** Null while bytes may move or may be had. */
  shortage: QuotaShortage | null = null;
  /** When a cap that is used up opens again: for people to read, and on the monotonic clock. */
  opensAt: Date | null = null;
  opensAtMs = Infinity;
  /** The owner's caps when it was asked for. */
  askedUnder: string | null = null;
  /** On the monotonic clock: when the grant runs out by itself, when bytes last moved, when the next call may be made. */
  expiresAtMs = 0;
  movedAtMs: number;
  askAfterMs = 0;
  isFinal = false;
  /** Since when bytes wait for an answer, as far as anybody has looked; on the monotonic clock. */
  shortSinceMs: number | null = null;
  readonly #desk: QuotaDesk;
  /** In total; null before the first answer. */
  #granted: number | null = null;
  /** Handed out without a grant and not covered by one yet. */
  #interim = 0;
  /** Granted and not in the allowance yet. */
  #behind = 0;
  #rate = 0;
  #seenBytes = 0;
  #seenAtMs: number;

  constructor(owner: Of, desk: QuotaDesk, nowMs: number) {
    this.owner = owner;
    this.#desk = desk;
    this.movedAtMs = nowMs;
    this.#seenAtMs = nowMs;
  }

  /** Bytes moved by this run, as the database counts them; null before the first answer. */
  get spentBytes(): number | null {
    return this.#granted === null ? null : this.#granted + this.#interim - this.inHandBytes;
  }

  get inHandBytes(): number {
    return this.#behind + this.allowance.left;
  }

  get isHeard(): boolean {
    return this.#granted !== null;
  }

  /** Less than a fifth of the last grant is in hand, and there may be more. */
  get isRunningOut(): boolean {
    return this.isHeard && !this.isFinal && this.#behind === 0 && this.allowance.left > 0;
  }

  /** Why nothing may move, or null. */
  get refusal(): Refusal | null {
    return this.shortage === null ? null : refusalOf(this.shortage, this.owner, this.opensAt);
  }

  /** Says no to a new session, and asks again for the next one. */
  refuse(): Refusal | null {
    if (this.shortage !== null) this.#desk.ask(this);
    return this.refusal;
  }

  refill(wanted: number): void {
    this.#putInRest();
    if (!this.isFinal || this.allowance.left < wanted) this.#desk.ask(this);
  }

  #putInRest(): void {
    this.allowance.left += this.#behind;
    this.#behind = 0;
  }

  /** Looks at how much has moved since the last look: the base of what is wanted next. */
  look(nowMs: number): void {
    const spent = this.spentBytes;
    const seconds = (nowMs - this.#seenAtMs) / 1_000;
    if (spent === null || seconds < lookSecondsMin) return;
    const bytes = Math.max(0, spent - this.#seenBytes);
    if (bytes > 0) this.movedAtMs = nowMs;
    this.#rate = Math.max(bytes / seconds, this.#rate / 2);
    this.#seenBytes = spent;
    this.#seenAtMs = nowMs;
  }

  wantBytes(nowMs: number): number {
    this.look(nowMs);
    return Math.round(Math.min(Math.max(this.#rate * wantSeconds, wantBytesMin), wantBytesMax));
  }

  /** The database's answer, whatever was spent meanwhile. */
  taken({ grantedBytes, usedBytes, shortOf, opens, isFinal }: QuotaTaken, nowMs: number): void {
    const spent = this.spentBytes ?? usedBytes;
    if (this.#granted === null) this.#seenBytes = spent;
    this.#granted = grantedBytes;
    this.#interim = 0;
    this.isFinal = isFinal;
    this.shortSinceMs = null;
    const inHand = grantedBytes - spent;
    this.#behind = inHand > 0 && !isFinal ? Math.floor(inHand * (1 - renewAtShare)) : 0;
    this.allowance.left = inHand - this.#behind;
    this.allowance.windowMax = shortOf !== null && inHand < scarceBytesMax ? scarceWindowBytes : Infinity;
    this.shortage = inHand > 0 ? null : shortOf;
    this.opensAt = opens?.at ?? null;
    this.opensAtMs = opens === null ? Infinity : nowMs + opens.inMs;
    if (inHand > 0) this.allowance.resume();
  }

  /** So many bytes may move without a grant; the next answer covers them. */
  lend(bytes: number): void {
    this.#interim += bytes;
    this.shortage = null;
    this.shortSinceMs = null;
    this.allowance.add(bytes);
  }

  /** Lets go of what is in hand, and answers the total that was spent: that is what the database is to be told. */
  letGo(): number {
    const spent = this.spentBytes ?? 0;
    this.#granted = spent;
    this.#interim = 0;
    this.#behind = 0;
    this.allowance.left = 0;
    return spent;
  }
}

function refusalOf(shortage: QuotaShortage, owner: QuotaOwner, opensAt: Date | null): Refusal {
  switch (shortage) {
    case "balance":
      return refuse("balance_exhausted", "0 bytes are left on the account");
    case "wallet":
      return refuse("balance_exhausted", "0 bytes are left on the account and its wallet is empty: top it up in the client panel");
    case "spending_cap":
      return refuse("limit_reached", "the wallet's monthly cap is reached: raise it in the client panel under Wallet, or buy traffic");
    case "ledger":
      return refuse("overloaded", "the ledger cannot be asked what the account may carry");
    case "limit":
      return refuse("limit_reached", `the traffic limit of ${nameOf(owner)} is used up`);
    case "day":
    case "month": {
      const what = `what ${nameOf(owner)} may carry in a ${shortage} is used up`;
      return opensAt === null
        ? refuse("limit_reached", what)
        : refuse("limit_reached", `${what}; it opens again at ${opensAt.toISOString()}`, opensAt);
    }
  }
}

function nameOf(owner: QuotaOwner): string {
  return "tag" in owner ? `tag ${owner.tag}` : `proxy user ${owner.username}`;
}
