/**
 * One gateway process: the real books, quotas, flusher, journal and streams, put together as start-proxy does, on virtual time,
 * behind a database link and over a disk that can fail it.
 */
import { type Clock, type Flusher, startFlusher } from "@karvon/billing";
import { type DeadJournal, type Journal, openJournal, readDeadJournals, removeJournal } from "@karvon/journal";
import { createLogger } from "@karvon/telemetry";
import { join } from "node:path";
import { type GatewayIdentity, openGatewayIdentity, timeInRun } from "../../gateway-identity.ts";
import { QuotaKeeper } from "../../quota/quota-keeper.ts";
import { createSessionLog, type SessionLog } from "../../radar/session-log.ts";
import { lastOpenedMs } from "../../radar/usage-journal.ts";
import { accountRefusal, type Accounts, createAccounts, type UserAccount } from "../../session/accounts.ts";
import { DatabaseLink, type LinkWorld } from "./database-link.ts";
import { FaultyDisk } from "./faulty-disk.ts";
import { type StreamClass, StreamDesk } from "./simulated-stream.ts";

export interface GatewayOptions {
  readonly world: LinkWorld;
  readonly name: string;
  /** Keeps the gateway's identity and its journal from one process to the next. */
  readonly dataDir: string;
  /** What its wall clock shows. */
  readonly wallMs: () => number;
  readonly segmentBytes: number;
  readonly streamClass: StreamClass;
  /** It is dead, or it could not start. */
  readonly onDead: (why: string) => void;
}

const flushEveryMs = 5_000;
const houseEveryMs = 5_000;
const recoveredMs = 10_000;
const lagMsMax = 60_000;
/** The journal's own timer would run in real time; what it does between two turns of segments concerns only a power loss. */
const never = 2_000_000_000;
const log = createLogger({ name: "simulation", level: "silent" });

/** What is there once the journal is open. */
interface Parts {
  readonly journal: Journal;
  readonly sessions: SessionLog;
  readonly accounts: Accounts;
  readonly quotas: QuotaKeeper;
  readonly flusher: Flusher;
}

export class GatewayProcess {
  readonly identity: GatewayIdentity;
  readonly link: DatabaseLink;
  readonly desk: StreamDesk;
  readonly disk: FaultyDisk;
  isDead = false;
  /** It takes sessions. */
  isServing = false;
  readonly #options: GatewayOptions;
  readonly #directory: string;
  #parts: Parts | null = null;

  constructor(options: GatewayOptions) {
    const { world, name, dataDir, wallMs, streamClass } = options;
    this.#options = options;
    const journals = join(dataDir, "journal");
    this.identity = openGatewayIdentity(dataDir, 0, wallMs(), (id) => lastOpenedMs(journals, id, log));
    this.#directory = join(journals, this.identity.id);
    this.link = new DatabaseLink(world, name);
    this.disk = new FaultyDisk(world.random, () => this.kill("killed in a write"));
    this.desk = new StreamDesk({
      beforeRelease: () => this.#parts?.journal.commit(),
      soon: (run) => void this.clock.setTimer(0, run),
      isDead: () => this.isDead,
      streamClass,
    });
  }

  /** Of this process: nothing of it happens any more when it is dead. */
  readonly clock: Clock = {
    nowMs: () => this.#options.wallMs(),
    setTimer: (delayMs, run) => this.#options.world.time.after(delayMs, () => void (this.isDead || run())),
  };

  get parts(): Parts {
    if (this.#parts === null) throw new Error("the process has not begun");
    return this.#parts;
  }

  /** When a session that opens now has opened. */
  openedNowMs(): number {
    return timeInRun(this.identity, this.clock.nowMs());
  }

  /** Why no session is taken now, or null. */
  refuse(user: UserAccount): string | null {
    const { journal, flusher, sessions } = this.parts;
    if (sessions.isFull || flusher.lagMs > lagMsMax) return "overloaded";
    return journal.trouble ?? accountRefusal(user)?.code ?? null;
  }

  /** Resolves when its files are open; what needs the database goes on in virtual time. */
  async start(): Promise<void> {
    const { wallMs, segmentBytes, world } = this.#options;
    const { id: gatewayId, epoch } = this.identity;
    const dead = readDeadJournals(this.#directory, epoch).filter(owesSomething);
    const journal = await openJournal({
      directory: this.#directory,
      gatewayId,
      epoch,
      nowMs: wallMs,
      segmentBytes,
      syncEveryMs: never,
      disk: this.disk,
      onTrouble: () => undefined,
      onBroken: () => this.#cutAll("journal_unavailable"),
    });
    const monotonicMs = (): number => world.time.nowMs;
    const accounts = createAccounts(wallMs);
    const sessions = createSessionLog({ nowMs: wallMs, monotonicMs, unpostedSessionsMax: 100, journal });
    const { setTimer } = this.clock;
    const quotas = new QuotaKeeper({ database: this.link, gatewayId, epoch, accounts, sessions, log, monotonicMs, setTimer });
    const flusher = this.#startFlusher({ accounts, journal, sessions, quotas }, dead);
    this.#parts = { journal, sessions, accounts, quotas, flusher };
    if (this.isDead) await this.bury();
    else void this.#join(dead.length > 0);
  }

  /** kill -9. What is under way with the database is not called back. */
  kill(why: string): void {
    if (this.isDead) return;
    this.isDead = true;
    this.isServing = false;
    this.disk.isDead = true;
    this.link.isCut = true;
    this.#options.onDead(why);
  }

  /** Gives back what the system takes from a dead process. */
  async bury(): Promise<void> {
    await this.#parts?.journal.close();
  }

  /** As in compose-meter.ts. */
  #startFlusher({ accounts, journal, sessions, quotas }: Omit<Parts, "flusher">, dead: readonly DeadJournal[]): Flusher {
    return startFlusher({
      ledger: this.link,
      gatewayId: this.identity.id,
      epoch: this.identity.epoch,
      clock: this.clock,
      intervalMs: flushEveryMs,
      collect() {
        journal.commit();
        return sessions.collect();
      },
      recovered: dead.map(({ lastAtMs, sample }) => ({ sampledAtMs: lastAtMs, sample })),
      onRecovered: () => dead.forEach(removeJournal),
      onPosted(batch, receipt) {
        sessions.posted(batch, receipt);
        for (const { clientId, balanceBytes } of receipt.balances) accounts.setBalance(clientId, balanceBytes);
        quotas.reconsider(({ balanceBytes: left }) => left > 0);
      },
    });
  }

  async #join(isOwing: boolean): Promise<void> {
    const { flusher, quotas } = this.parts;
    try {
      await this.link.registerGateway({ ...this.identity, opsUrl: "http://127.0.0.1:1" });
    } catch {
      this.kill("it could not register");
      return;
    }
    if (isOwing) await Promise.race([flusher.flushNow(), new Promise<void>((resume) => this.clock.setTimer(recoveredMs, resume))]);
    quotas.start();
    this.#keepHouse();
    this.isServing = true;
  }

  /** As in keep-house.ts. */
  #keepHouse(): void {
    this.clock.setTimer(houseEveryMs, () => {
      this.#keepHouse();
      const { accounts, flusher, quotas } = this.parts;
      accounts.sweep();
      if (flusher.lagMs === 0) quotas.release(this.identity.epoch - 1n).catch(() => undefined);
    });
  }

  #cutAll(reason: string): void {
    for (const session of this.parts.sessions.listOpen()) session.line.cut(reason);
  }
}

function owesSomething(journal: DeadJournal): boolean {
  if (journal.sample.counters.length > 0) return true;
  removeJournal(journal);
  return false;
}
