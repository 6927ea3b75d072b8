/**
 * Keeps this gateway in bytes: asks the database for what proxy users and capped tags may carry, ahead of need, and gives back
 * what they do not carry.
 *
 * A grant is renewed when 80 % of it is spent or 15 s before it runs out, if bytes moved; what nobody moves goes back. When
 * nothing is granted any more, bytes stop at once and the user's sessions are ended after a grace, in which what was carried
 * reaches its reader and traffic that is bought lets them go on. While the database does not answer, a grant is used up to its
 * end; then the client's interim credit counts, once in 15 minutes, and then sessions end. A tag has no such credit.
 *
 * A cap of a day or a month is asked for again when it opens. What was granted under caps that have changed goes back, and is
 * asked for anew.
 *
 * Limits: 4 calls under way, one of a user or tag; everything else waits its turn, once for each.
 */
import type { Clock } from "@karvon/billing";
import type { GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import { setTimeout as pause } from "node:timers/promises";
import type { Allowances, SessionLog } from "../radar/session-log.ts";
import type { Accounts, ClientAccount, TagAccount, UserAccount } from "../session/accounts.ts";
import { Quota, type QuotaDesk } from "./quota.ts";
import { type KeptQuota, nameOf, QuotaCalls, type QuotaCallsOptions } from "./quota-calls.ts";

export interface QuotaKeeperOptions extends QuotaCallsOptions {
  readonly database: QuotaCallsOptions["database"] & Pick<GatewayDatabase, "releaseQuotas">;
  readonly accounts: Accounts;
  readonly sessions: SessionLog;
  readonly log: Logger;
  readonly monotonicMs: () => number;
  readonly setTimer: Clock["setTimer"];
}

const callsMax = 4;
const lookEveryMs = 1_000;
/** As quota_take says. */
const lifeMs = 60_000;
const renewBeforeMs = 15_000;
/** A grant that could not be renewed may be spent as long as the database keeps it: 10 minutes, less what clocks and calls need. */
const usableAfterMs = 570_000;
/** In hand and not moved for so long, with no session open, goes back. */
const idleMs = 5_000;
/** After a failed call, and after one that granted nothing. */
const askAgainMs = 1_000;
/** How long stopped bytes wait for an answer, from the look that finds them. */
const answerMsMax = 2_000;
/** From the last byte to the end of the sessions: within 2 s. */
const graceMs = 1_500;
const interimEveryMs = 900_000;
const stopMsMax = 5_000;

export interface QuotaFigures {
  readonly heldBytes: number;
  readonly calls: number;
  readonly exhausted: number;
}

export class QuotaKeeper implements QuotaDesk {
  readonly #options: QuotaKeeperOptions;
  readonly #quotas = new Set<KeptQuota>();
  /** Who wants more, and who has something to give back. */
  readonly #asking = new Set<KeptQuota>();
  readonly #returning = new Set<KeptQuota>();
  readonly #calling = new Map<KeptQuota, Promise<void>>();
  readonly #interimAtMs = new Map<string, number>();
  readonly #calls: QuotaCalls;
  #exhausted = 0;
  /** Each cancels something that is still to happen. */
  readonly #timers = new Set<() => void>();
  #isStopped = false;

  constructor(options: QuotaKeeperOptions) {
    this.#options = options;
    this.#calls = new QuotaCalls(options);
  }

  start(): void {
    this.#later(lookEveryMs, () => {
      this.start();
      this.#look();
    });
  }

  get figures(): QuotaFigures {
    let heldBytes = 0;
    for (const quota of this.#quotas) heldBytes += Math.max(0, quota.inHandBytes);
    return { heldBytes, calls: this.#calls.count, exhausted: this.#exhausted };
  }

  /** The quota of a user or tag. Who has nothing in hand is asked for at once: the answer comes while the session still connects. */
  of(owner: UserAccount | TagAccount): KeptQuota {
    const known: KeptQuota | null = owner.quota;
    if (known !== null) {
      if (known.inHandBytes <= 0) this.ask(known);
      return known;
    }
    const quota: KeptQuota = new Quota(owner, this, this.#options.monotonicMs());
    owner.quota = quota;
    this.#quotas.add(quota);
    this.ask(quota);
    return quota;
  }

  /** What a session takes its bytes from. */
  allowancesOf(user: UserAccount, tag: TagAccount | null): Allowances {
    const { allowance } = this.of(user);
    return tag === null ? [allowance] : [allowance, this.of(tag).allowance];
  }

  /** The tag's account where it has caps. */
  tagOf(client: ClientAccount, tag: string | null): TagAccount | null {
    return tag === null ? null : this.#options.accounts.tagOf(client, tag);
  }

  /** Puts open sessions under the caps that their tags have now. */
  recap(): void {
    for (const session of this.#options.sessions.listOpen()) {
      const tag = this.tagOf(session.user.client, session.facts.tag);
      if (tag === session.tag) continue;
      this.#options.sessions.retag(session, tag);
      session.line.spendFrom(this.allowancesOf(session.user, tag));
    }
  }

  /** Something was bought, given back or changed: whoever was refused is asked for again. */
  reconsider(isConcerned: (client: ClientAccount) => boolean): void {
    for (const quota of this.#quotas) if (quota.shortage !== null && isConcerned(quota.owner.client)) this.#askNow(quota);
  }

  ask(quota: KeptQuota): void {
    if (quota.askAfterMs <= this.#options.monotonicMs()) this.#askNow(quota);
  }

  /** Nothing is asked for any more. Resolves when no call is under way, or after 5 s. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#timers) cancel();
    this.#asking.clear();
    this.#returning.clear();
    await Promise.race([Promise.all(this.#calling.values()), pause(stopMsMax, null, { ref: false })]);
  }

  /** Frees grants of this gateway's runs up to `epoch`; everything that they carried must be posted. */
  async release(epoch: bigint): Promise<void> {
    const { database, gatewayId, log } = this.#options;
    const { lost } = await database.releaseQuotas(gatewayId, epoch);
    if (lost > 0n) log.warn({ event: "quota.lost", grants: Number(lost) });
  }

  #askNow(quota: KeptQuota): void {
    if (this.#isStopped || this.#calling.has(quota)) return;
    this.#asking.add(quota);
    this.#next();
  }

  /** Whoever wants more goes first: its bytes may be waiting. */
  #next(): void {
    for (const quota of this.#asking) {
      if (this.#calling.size >= callsMax) return;
      this.#asking.delete(quota);
      this.#run(quota, this.#take(quota));
    }
    for (const quota of this.#returning) {
      if (this.#calling.size >= callsMax) return;
      this.#returning.delete(quota);
      // It may have been called for, or moved, while it waited.
      if (!this.#calling.has(quota) && mustReturn(quota, this.#options.monotonicMs())) this.#run(quota, this.#giveBack(quota));
    }
  }

  #run(quota: KeptQuota, call: Promise<void>): void {
    this.#calling.set(
      quota,
      call.finally(() => {
        this.#calling.delete(quota);
        if (isUnheard(quota) || quota.isRunningOut) this.ask(quota);
        this.#next();
      }),
    );
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#isStopped) return;
    const cancel = this.#options.setTimer(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  async #take(quota: KeptQuota): Promise<void> {
    const { log, monotonicMs } = this.#options;
    const wantBytes = quota.wantBytes(monotonicMs());
    try {
      const askedAtMs = monotonicMs();
      quota.askedUnder = quota.owner.caps;
      const taken = await this.#calls.take(quota, wantBytes);
      quota.expiresAtMs = askedAtMs + lifeMs;
      quota.taken(taken, monotonicMs());
      if (quota.shortage !== null) this.#exhaust(quota);
    } catch (cause) {
      log.warn({ event: "quota.failed", ...nameOf(quota), cause });
      quota.askAfterMs = monotonicMs() + askAgainMs;
    }
  }

  async #giveBack(quota: KeptQuota): Promise<void> {
    try {
      await this.#calls.giveBack(quota, quota.letGo());
    } catch (cause) {
      // The database frees it by itself when its time is over.
      this.#options.log.warn({ event: "quota.return-failed", ...nameOf(quota), cause });
    }
  }

  /** Bytes wait and the database is away. */
  #unanswered(quota: KeptQuota): void {
    const { clientId, interimCreditBytes } = quota.owner.client;
    const credit = "tag" in quota.owner ? 0 : interimCreditBytes;
    const nowMs = this.#options.monotonicMs();
    const isDue = nowMs - (this.#interimAtMs.get(clientId) ?? -Infinity) >= interimEveryMs;
    if (credit > 0 && isDue && quota.isHeard) {
      this.#interimAtMs.set(clientId, nowMs);
      this.#options.log.warn({ event: "quota.interim-credit", clientId, bytes: credit });
      quota.lend(credit);
      return;
    }
    quota.shortage = "ledger";
    this.#exhaust(quota);
  }

  #exhaust(quota: KeptQuota): void {
    this.#exhausted += 1;
    quota.askAfterMs = this.#options.monotonicMs() + askAgainMs;
    this.#later(graceMs, () => this.#cut(quota));
  }

  #cut(quota: KeptQuota): void {
    const { refusal } = quota;
    if (refusal === null) return;
    for (const session of this.#options.sessions.listOpen()) {
      if (session.user.quota === quota || session.tag?.quota === quota) session.line.cut(refusal.code);
    }
  }

  #look(): void {
    const nowMs = this.#options.monotonicMs();
    for (const quota of this.#quotas) {
      quota.look(nowMs);
      if (this.#hasWaited(quota, nowMs)) this.#unanswered(quota);
      if (this.#calling.has(quota)) continue;
      if (mustReturn(quota, nowMs)) this.#returning.add(quota);
      else if (isUnheard(quota) || quota.opensAtMs <= nowMs || mustRenew(quota, nowMs)) this.ask(quota);
      else if (!this.#options.accounts.isKept(quota.owner)) this.#quotas.delete(quota);
    }
    this.#next();
    for (const [clientId, atMs] of this.#interimAtMs) if (nowMs - atMs >= interimEveryMs) this.#interimAtMs.delete(clientId);
  }

  /** A database that restarts is given the time for it. */
  #hasWaited(quota: KeptQuota, nowMs: number): boolean {
    if (!quota.allowance.isShort || quota.shortage !== null) return false;
    quota.shortSinceMs ??= nowMs;
    return nowMs - quota.shortSinceMs >= answerMsMax;
  }
}

function mustRenew(quota: KeptQuota, nowMs: number): boolean {
  const leftMs = quota.expiresAtMs - nowMs;
  return quota.isHeard && quota.owner.sessionsOpen > 0 && leftMs <= renewBeforeMs && quota.movedAtMs >= quota.expiresAtMs - lifeMs;
}

function mustReturn(quota: KeptQuota, nowMs: number): boolean {
  if (quota.inHandBytes <= 0) return false;
  const isIdle = quota.owner.sessionsOpen === 0 && nowMs - quota.movedAtMs >= idleMs;
  const wasMoved = quota.movedAtMs >= quota.expiresAtMs - lifeMs;
  const isOver = nowMs >= quota.expiresAtMs && (!wasMoved || nowMs >= quota.expiresAtMs + usableAfterMs);
  return isIdle || isOver || quota.askedUnder !== quota.owner.caps;
}

/** Bytes wait, and the database has not said that there are no more. */
function isUnheard({ allowance, shortage }: KeptQuota): boolean {
  return allowance.isShort && (shortage === null || shortage === "ledger");
}
