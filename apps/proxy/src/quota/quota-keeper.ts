/**
 * Keeps this gateway in bytes: asks the database for what proxy users may carry, ahead of need, and gives back what they
 * do not carry.
 *
 * A grant is renewed when 80 % of it is spent or 15 s before it runs out, if bytes moved; what nobody moves goes back. When
 * nothing is granted any more, bytes stop at once and the user's sessions are ended after a grace, in which what was carried
 * reaches its reader and traffic that is bought lets them go on. While the database does not answer, a grant is used up to its
 * end; then the client's interim credit counts, once in 15 minutes, and then sessions end.
 *
 * Limits: 4 calls under way, one of a user; everything else waits its turn, once for each user.
 */
import type { GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import { setTimeout as pause } from "node:timers/promises";
import type { SessionLog } from "../radar/session-log.ts";
import type { Accounts, UserAccount } from "../session/accounts.ts";
import { type QuotaDesk, UserQuota } from "./user-quota.ts";

export interface QuotaKeeperOptions {
  readonly database: Pick<GatewayDatabase, "takeQuota" | "returnQuota" | "releaseQuotas">;
  readonly gatewayId: string;
  readonly epoch: bigint;
  readonly accounts: Accounts;
  readonly sessions: SessionLog;
  readonly log: Logger;
  readonly monotonicMs: () => number;
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
  readonly #quotas = new Map<UserQuota, UserAccount>();
  /** Who wants more, and who has something to give back. */
  readonly #asking = new Set<UserQuota>();
  readonly #returning = new Set<UserQuota>();
  readonly #calling = new Map<UserQuota, Promise<void>>();
  readonly #interimAtMs = new Map<string, number>();
  #turn = 0;
  #exhausted = 0;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(options: QuotaKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  get figures(): QuotaFigures {
    let heldBytes = 0;
    for (const quota of this.#quotas.keys()) heldBytes += Math.max(0, quota.inHandBytes);
    return { heldBytes, calls: this.#turn, exhausted: this.#exhausted };
  }

  /** The user's quota. Who has nothing in hand is asked for at once: the answer comes while the session still connects. */
  of(user: UserAccount): UserQuota {
    const known = user.quota;
    if (known !== null) {
      if (known.inHandBytes <= 0) this.ask(known);
      return known;
    }
    const quota = new UserQuota(user, this, this.#options.monotonicMs());
    user.quota = quota;
    this.#quotas.set(quota, user);
    this.ask(quota);
    return quota;
  }

  /** Something was bought, given back or changed: whoever was refused is asked for again. */
  reconsider(isConcerned: (user: UserAccount) => boolean): void {
    for (const [quota, user] of this.#quotas) if (quota.shortage !== null && isConcerned(user)) this.#askNow(quota);
  }

  ask(quota: UserQuota): void {
    if (quota.askAfterMs <= this.#options.monotonicMs()) this.#askNow(quota);
  }

  /** Nothing is asked for any more. Resolves when no call is under way, or after 5 s. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
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

  #askNow(quota: UserQuota): void {
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
      if (!this.#calling.has(quota) && this.#mustReturn(quota, this.#options.monotonicMs())) this.#run(quota, this.#giveBack(quota));
    }
  }

  #run(quota: UserQuota, call: Promise<void>): void {
    this.#calling.set(
      quota,
      call.finally(() => {
        this.#calling.delete(quota);
        if (isUnheard(quota) || quota.isRunningOut) this.ask(quota);
        this.#next();
      }),
    );
  }

  #name(quota: UserQuota): { clientId: string; proxyUserId: string; gatewayId: string; epoch: bigint; turn: number } {
    const { gatewayId, epoch } = this.#options;
    this.#turn += 1;
    return { clientId: quota.owner.client.clientId, proxyUserId: quota.owner.proxyUserId, gatewayId, epoch, turn: this.#turn };
  }

  async #take(quota: UserQuota): Promise<void> {
    const { database, log, monotonicMs } = this.#options;
    const wantBytes = quota.wantBytes(monotonicMs());
    try {
      const askedAtMs = monotonicMs();
      const taken = await database.takeQuota({ ...this.#name(quota), spentBytes: quota.spentBytes, wantBytes });
      quota.expiresAtMs = askedAtMs + lifeMs;
      quota.taken(taken);
      if (quota.shortage !== null) this.#exhaust(quota);
    } catch (cause) {
      log.warn({ event: "quota.failed", proxyUserId: quota.owner.proxyUserId, cause });
      quota.askAfterMs = monotonicMs() + askAgainMs;
    }
  }

  async #giveBack(quota: UserQuota): Promise<void> {
    const { database, log } = this.#options;
    try {
      await database.returnQuota({ ...this.#name(quota), spentBytes: quota.letGo() });
    } catch (cause) {
      // The database frees it by itself when its time is over.
      log.warn({ event: "quota.return-failed", proxyUserId: quota.owner.proxyUserId, cause });
    }
  }

  /** Bytes wait and the database is away. */
  #unanswered(quota: UserQuota): void {
    const { clientId } = quota.owner.client;
    const credit = this.#quotas.get(quota)?.client.interimCreditBytes ?? 0;
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

  #exhaust(quota: UserQuota): void {
    this.#exhausted += 1;
    quota.askAfterMs = this.#options.monotonicMs() + askAgainMs;
    setTimeout(() => this.#cut(quota), graceMs).unref();
  }

  #cut(quota: UserQuota): void {
    const { refusal } = quota;
    if (refusal === null) return;
    for (const session of this.#options.sessions.listOpen()) if (session.user.quota === quota) session.line.cut(refusal.code);
  }

  #look(): void {
    const nowMs = this.#options.monotonicMs();
    for (const [quota, user] of this.#quotas) {
      quota.look(nowMs);
      if (this.#hasWaited(quota, nowMs)) this.#unanswered(quota);
      if (this.#calling.has(quota)) continue;
      if (this.#mustReturn(quota, nowMs)) this.#returning.add(quota);
      else if (isUnheard(quota) || this.#mustRenew(quota, user, nowMs)) this.ask(quota);
      else if (this.#options.accounts.users.get(user.proxyUserId) !== user) this.#quotas.delete(quota);
    }
    this.#next();
    for (const [clientId, atMs] of this.#interimAtMs) if (nowMs - atMs >= interimEveryMs) this.#interimAtMs.delete(clientId);
  }

  /** A database that restarts is given the time for it. */
  #hasWaited(quota: UserQuota, nowMs: number): boolean {
    if (!quota.allowance.isShort || quota.shortage !== null) return false;
    quota.shortSinceMs ??= nowMs;
    return nowMs - quota.shortSinceMs >= answerMsMax;
  }

  #mustRenew(quota: UserQuota, user: UserAccount, nowMs: number): boolean {
    const leftMs = quota.expiresAtMs - nowMs;
    return quota.isHeard && user.sessionsOpen > 0 && leftMs <= renewBeforeMs && quota.movedAtMs >= quota.expiresAtMs - lifeMs;
  }

  #mustReturn(quota: UserQuota, nowMs: number): boolean {
    if (quota.inHandBytes <= 0) return false;
    const isIdle = this.#quotas.get(quota)?.sessionsOpen === 0 && nowMs - quota.movedAtMs >= idleMs;
    const wasMoved = quota.movedAtMs >= quota.expiresAtMs - lifeMs;
    const isOver = nowMs >= quota.expiresAtMs && (!wasMoved || nowMs >= quota.expiresAtMs + usableAfterMs);
    return isIdle || isOver;
  }
}

/** Bytes wait, and the database has not said that there are no more. */
function isUnheard({ allowance, shortage }: UserQuota): boolean {
  return allowance.isShort && (shortage === null || shortage === "ledger");
}
