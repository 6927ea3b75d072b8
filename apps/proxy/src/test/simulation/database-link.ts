/**
 * The way from one gateway process to the database: calls are lost, answers are lost, calls arrive twice, late and in another
 * order, the way is clogged, the database is away. What arrives is done by the real database.
 *
 * A call whose answer is lost is given up after a while, as a driver does; a call of a dead process may still arrive.
 */
import type { GatewayDatabase, UsageReceipt } from "@karvon/db/sql";
import type { Random } from "./random.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type LinkedDatabase = Pick<
  GatewayDatabase,
  "registerGateway" | "findProxyUser" | "recordUsage" | "takeQuota" | "returnQuota" | "takeTagQuota" | "returnTagQuota" | "releaseQuotas"
>;

/** Shares of calls. */
export interface LinkFaults {
  readonly lostCalls: number;
  readonly lostAnswers: number;
  readonly duplicates: number;
  readonly delays: number;
}

export const noFaults: LinkFaults = { lostCalls: 0, lostAnswers: 0, duplicates: 0, delays: 0 };

const delayMsMax = 4_000;
/** As long as a driver waits for an answer at most. */
const answerMsMax = 20_000;
const duplicateMsMax = 6_000;

/** The database, as all links see it. */
export interface LinkWorld {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly database: GatewayDatabase;
  faults: LinkFaults;
  /** Until when it is away. */
  awayUntilMs: number;
  /** Counts up with every restart: answers of the time before are lost. */
  restarts: number;
  note(what: string): void;
  /** What the database has just done is looked at. */
  afterCall(call: string, answer: unknown): Promise<void>;
  beforeCall(): Promise<void>;
  fail(what: string): void;
}

export class DatabaseLink implements LinkedDatabase {
  /** The process is dead: nobody waits for answers any more. */
  isCut = false;
  readonly #world: LinkWorld;
  readonly #name: string;
  readonly #giveUps = new Set<() => void>();
  #cloggedUntilMs = 0;

  constructor(world: LinkWorld, name: string) {
    this.#world = world;
    this.#name = name;
  }

  clog(ms: number): void {
    this.#cloggedUntilMs = this.#world.time.nowMs + ms;
  }

  /** Whoever waits for something that was lost is told so now, as by a connection that is reset. */
  heal(): void {
    this.#cloggedUntilMs = 0;
    for (const giveUp of this.#giveUps) giveUp();
  }

  registerGateway: GatewayDatabase["registerGateway"] = (gateway) =>
    this.#call("registerGateway", 0, (database) => database.registerGateway(gateway));
  findProxyUser: GatewayDatabase["findProxyUser"] = (username) =>
    this.#call("findProxyUser", 0, (database) => database.findProxyUser(username));
  recordUsage: GatewayDatabase["recordUsage"] = (batch) =>
    this.#call<UsageReceipt>(`recordUsage ${batch.epoch} ${batch.seq}`, 1, (database) => database.recordUsage(batch));
  takeQuota: GatewayDatabase["takeQuota"] = (ask) => this.#call(`takeQuota ${ask.turn}`, 1, (database) => database.takeQuota(ask));
  returnQuota: GatewayDatabase["returnQuota"] = (given) =>
    this.#call(`returnQuota ${given.turn}`, 1, (database) => database.returnQuota(given));
  takeTagQuota: GatewayDatabase["takeTagQuota"] = (ask) =>
    this.#call(`takeTagQuota ${ask.turn}`, 1, (database) => database.takeTagQuota(ask));
  returnTagQuota: GatewayDatabase["returnTagQuota"] = (given) =>
    this.#call(`returnTagQuota ${given.turn}`, 1, (database) => database.returnTagQuota(given));
  releaseQuotas: GatewayDatabase["releaseQuotas"] = (gatewayId, epoch) =>
    this.#call("releaseQuotas", 1, (database) => database.releaseQuotas(gatewayId, epoch));

  #call<Answer>(name: string, duplicable: 0 | 1, ask: (database: GatewayDatabase) => Promise<Answer>): Promise<Answer> {
    const { time, random, faults } = this.#world;
    const label = `${this.#name} ${name}`;
    return new Promise((resolve, reject) => {
      // It was killed in the middle of what led here: the call is never made.
      if (this.isCut) return;
      const give = (): void => {
        if (!this.isCut) reject(new Error(`${label}: no answer`));
      };
      if (random.chance(faults.lostCalls)) {
        this.#giveUpLater(give);
        return;
      }
      time.after(this.#wayMs(), async () => {
        if (this.isCut && (duplicable === 0 || random.chance(0.5))) return;
        if (this.#isAway) return void (!this.isCut && reject(new Error(`${label}: the database is away`)));
        const { restarts } = this.#world;
        const outcome = await this.#perform(label, ask);
        if (this.isCut) return;
        if (random.chance(this.#world.faults.lostAnswers)) return this.#giveUpLater(give);
        time.after(random.between(1, 20), () => {
          if (this.isCut) return;
          if (this.#world.restarts !== restarts) reject(new Error(`${label}: the connection is lost`));
          else if ("cause" in outcome) reject(outcome.cause);
          else resolve(outcome.answer);
        });
      });
      if (duplicable > 0 && random.chance(faults.duplicates))
        time.after(this.#wayMs() + random.between(0, duplicateMsMax), async () => {
          if (!this.#isAway) await this.#perform(`${label} again`, ask);
        });
    });
  }

  get #isAway(): boolean {
    return this.#world.time.nowMs < this.#world.awayUntilMs;
  }

  async #perform<Answer>(
    label: string,
    ask: (database: GatewayDatabase) => Promise<Answer>,
  ): Promise<{ readonly answer: Answer } | { readonly cause: unknown }> {
    const world = this.#world;
    world.note(label);
    await world.beforeCall();
    try {
      const answer = await ask(world.database);
      await world.afterCall(label, answer);
      return { answer };
    } catch (cause) {
      // The database itself never fails here: what it refuses is a fault of whoever asked, or of its functions.
      world.fail(`${label}: ${cause instanceof Error ? cause.message : String(cause)}`);
      return { cause };
    }
  }

  #wayMs(): number {
    const { random, faults, time } = this.#world;
    const delay = random.chance(faults.delays) ? random.between(20, delayMsMax) : random.between(1, 20);
    return Math.max(time.nowMs + delay, this.#cloggedUntilMs) - time.nowMs;
  }

  #giveUpLater(give: () => void): void {
    const { time, random } = this.#world;
    const giveUp = (): void => {
      this.#giveUps.delete(giveUp);
      cancel();
      give();
    };
    const cancel = time.after(random.between(50, answerMsMax), giveUp);
    this.#giveUps.add(giveUp);
  }
}
