/**
 * Many gateways that spend one balance, one proxy user's cap or one tag's to its end, each over a connection of its own: grants that are partly used, given back,
 * asked for twice, and reports that are sent twice. For tests only.
 */
import {
  openGatewayDatabase,
  type GatewayDatabase,
  type QuotaAsk,
  type QuotaCall,
  type QuotaReturn,
  type QuotaTaken,
} from "../sql/index.ts";
import { counterOf, type UsageWorld } from "./usage-world.ts";

export interface RaceOptions {
  readonly gateways: number;
  /** Share of calls that are made twice. */
  readonly duplicates: number;
  readonly wantBytes: number;
  /** Whose caps they spend; null spends the proxy user's and the balance. */
  readonly tag: string | null;
  readonly random: () => number;
}

export interface RaceTally {
  readonly spentBytes: number;
  readonly grants: number;
  readonly reports: number;
  readonly duplicates: number;
}

export async function raceForBalance(world: UsageWorld, options: RaceOptions): Promise<RaceTally> {
  const racers = await Promise.all(Array.from({ length: options.gateways }, () => Racer.enter(world, options)));
  // Who finds nothing while others hold something comes again, until nobody finds anything.
  for (;;) {
    const spent = await Promise.all(racers.map((racer) => racer.spendAll()));
    if (spent.every((bytes) => bytes === 0)) break;
  }
  await Promise.all(racers.map((racer) => racer.leave()));
  const sum = (of: (racer: Racer) => number): number => racers.reduce((total, racer) => total + of(racer), 0);
  return {
    spentBytes: sum((racer) => racer.spentBytes),
    grants: sum((racer) => racer.grants),
    reports: sum((racer) => racer.reports),
    duplicates: sum((racer) => racer.duplicates),
  };
}

class Racer {
  spentBytes = 0;
  grants = 0;
  reports = 0;
  duplicates = 0;
  readonly #world: UsageWorld;
  readonly #options: RaceOptions;
  readonly #db: GatewayDatabase;
  readonly #run: Omit<QuotaCall, "turn">;
  readonly #facts: ReturnType<UsageWorld["makeFacts"]>;
  #turn = 0;

  static async enter(world: UsageWorld, options: RaceOptions): Promise<Racer> {
    return new Racer(world, options, await world.fixtures.makeGateway());
  }

  constructor(world: UsageWorld, options: RaceOptions, gatewayId: string) {
    this.#world = world;
    this.#options = options;
    this.#db = openGatewayDatabase({ url: world.url, poolMax: 2, onError: (cause) => world.errors.push(cause) });
    this.#run = { clientId: world.clientId, gatewayId, epoch: 1n };
    this.#facts = world.makeFacts({ tag: options.tag });
  }

  /** Answers what it spent until it was granted nothing. */
  async spendAll(): Promise<number> {
    const before = this.spentBytes;
    for (;;) {
      const taken = await this.#take();
      const inHand = taken.grantedBytes - this.spentBytes;
      if (inHand === 0) return this.spentBytes - before;
      this.grants += 1;
      const part = this.#options.random();
      this.spentBytes += part < 0.3 ? inHand : Math.ceil(inHand * part);
      await this.#report();
      if (this.#options.random() < 0.1) await this.#giveBack();
    }
  }

  async leave(): Promise<void> {
    await this.#giveBack();
    await this.#db.close();
  }

  async #take(): Promise<QuotaTaken> {
    this.#turn += 1;
    const ask = { ...this.#run, turn: this.#turn, spentBytes: this.spentBytes, wantBytes: this.#options.wantBytes };
    if (!this.#isDoubled()) return this.#ask(ask);
    // Both at once: the order in which they arrive is nobody's to choose.
    const [one, other] = await Promise.all([this.#ask(ask), this.#ask(ask)]);
    if (one.grantedBytes !== other.grantedBytes) throw new Error("the same call was granted two different totals");
    return one;
  }

  async #report(): Promise<void> {
    this.reports += 1;
    const { gatewayId, epoch } = this.#run;
    const opened = this.reports === 1 ? [this.#facts] : [];
    const batch = this.#world.makeBatch(this.reports, [counterOf(this.#facts, 0, this.spentBytes)], opened, { gatewayId, epoch });
    const sends = this.#isDoubled() ? [this.#db.recordUsage(batch), this.#db.recordUsage(batch)] : [this.#db.recordUsage(batch)];
    await Promise.all(sends);
  }

  async #giveBack(): Promise<void> {
    this.#turn += 1;
    const given = { ...this.#run, turn: this.#turn, spentBytes: this.spentBytes };
    await this.#return(given);
    if (this.#isDoubled()) await this.#return(given);
  }

  #ask(ask: QuotaAsk): Promise<QuotaTaken> {
    const { tag } = this.#options;
    return tag === null ? this.#db.takeQuota({ ...ask, proxyUserId: this.#world.proxyUserId }) : this.#db.takeTagQuota({ ...ask, tag });
  }

  #return(given: QuotaReturn): Promise<void> {
    const { tag } = this.#options;
    return tag === null
      ? this.#db.returnQuota({ ...given, proxyUserId: this.#world.proxyUserId })
      : this.#db.returnTagQuota({ ...given, tag });
  }

  #isDoubled(): boolean {
    if (this.#options.random() >= this.#options.duplicates) return false;
    this.duplicates += 1;
    return true;
  }
}
