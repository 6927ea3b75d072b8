/**
 * Gateways, clients and a database on virtual time, with faults drawn from a seed: the same seed is the same run.
 *
 * Faults first, for 10 to 30 s; then none, and nobody asks for anything more. 15 s later nothing may wait for the ledger,
 * and every byte that somebody received must be billed once. The checks C1 to C7 are asked after every call to the database.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MuxStream } from "../../../../../packages/tunnel/src/stream.ts";
import { type LinkFaults, type LinkWorld, noFaults } from "./database-link.ts";
import type { LedgerLab, Person } from "./ledger-lab.ts";
import { checkBacklog, checkBills, checkGrants, checkReservations, type Played, type Seat } from "./played.ts";
import { Random } from "./random.ts";
import { GatewayProcess } from "./simulated-gateway.ts";
import { SimulatedSession } from "./simulated-session.ts";
import type { StreamClass } from "./simulated-stream.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly lab: LedgerLab;
  /** The streams of the tunnel; a changed copy of them in the tests of this simulation. */
  readonly streamClass?: StreamClass;
}

export interface SimulationReport {
  readonly seed: number;
  /** What must not have happened; empty when all was well. */
  readonly failures: readonly string[];
  /** The last things that happened, each with its virtual second. */
  readonly events: readonly string[];
  readonly sessions: number;
  readonly kills: number;
  readonly billedBytes: number;
}

const startMs = Date.UTC(2026, 4, 5, 10);
const hourMs = 3_600_000;
const settleMs = 15_000;
/** Until grants that nobody uses are back, and those of earlier runs are freed. */
const returnMs = 7_000;
/** A grant whose return was lost is free again so long after it was made. */
const lostGrantMs = 720_000;
const eventsMax = 400;
const failuresMax = 5;

export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const root = mkdtempSync(join(tmpdir(), "karvon-simulation-"));
  const simulation = new Simulation(options, root);
  try {
    return await simulation.run();
  } finally {
    await simulation.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Such an answer comes often, and what is checked after it was checked before. */
function changesNothing(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null) return false;
  if ("duplicate" in answer) return answer.duplicate === true;
  if ("lost" in answer && "settled" in answer) return answer.lost === 0n && answer.settled === 0n;
  return "username" in answer;
}

class Simulation implements LinkWorld {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly database: LedgerLab["database"];
  faults: LinkFaults = noFaults;
  awayUntilMs = 0;
  restarts = 0;
  readonly #lab: LedgerLab;
  readonly #seed: number;
  readonly #streamClass: StreamClass;
  readonly #segmentBytes: number;
  readonly #seats: Seat[];
  readonly #people: readonly Person[];
  readonly #credited = new Map<string, number>();
  readonly #sessions: SimulatedSession[] = [];
  readonly #processes: GatewayProcess[] = [];
  readonly #posted = new Set<string>();
  readonly #failures: string[] = [];
  readonly #events: string[] = [];
  #isCalm = false;
  #databaseMs = 0;

  constructor({ seed, lab, streamClass = MuxStream }: SimulationOptions, root: string) {
    const random = new Random(seed);
    this.random = random;
    this.database = lab.database;
    this.#lab = lab;
    this.#seed = seed;
    this.#streamClass = streamClass;
    this.#segmentBytes = random.pick([16_384, 32_768, 65_536]);
    this.#people = lab.people.slice(0, random.between(1, lab.people.length));
    this.#seats = lab.gatewayIds.slice(0, random.between(1, lab.gatewayIds.length)).map((gatewayId, at) => {
      const dataDir = join(root, gatewayId);
      mkdirSync(dataDir);
      writeFileSync(join(dataDir, "gateway.json"), JSON.stringify({ id: gatewayId, epochMs: 1 }));
      return { gatewayId, name: `gateway ${at + 1}`, dataDir, clockErrorMs: 0, process: null };
    });
  }

  async run(): Promise<SimulationReport> {
    const { random, time } = this;
    await this.#lab.reset();
    for (const person of this.#people) await this.#prepare(person);
    this.faults = {
      lostCalls: random.pick([0, 0.05, 0.2]),
      lostAnswers: random.pick([0, 0.05, 0.2]),
      duplicates: random.pick([0, 0.1, 0.3]),
      delays: random.pick([0, 0.1, 0.4]),
    };
    for (const seat of this.#seats) time.after(random.between(0, 500), () => this.#start(seat));
    this.#askSoon();
    this.#disturbSoon();
    await time.pass(random.between(10_000, 30_000));
    this.#calm();
    await time.pass(settleMs);
    const played = this.#played;
    checkBacklog(played);
    await checkBills(played);
    await checkGrants(played);
    await this.#lab.passTime(lostGrantMs);
    await time.pass(returnMs);
    await checkReservations(played);
    return this.#report();
  }

  /** Gives everything back, however it ended. */
  async close(): Promise<void> {
    for (const seat of this.#seats) seat.process = null;
    for (const process of this.#processes) {
      process.kill("the run is over");
      await process.bury();
    }
  }

  // What links ask for

  note(what: string): void {
    this.#events.push(`${(this.time.nowMs / 1_000).toFixed(3)} ${what}`);
    if (this.#events.length > eventsMax) this.#events.shift();
  }

  fail(what: string): void {
    this.note(`FAILED ${what}`);
    if (this.#failures.length < failuresMax) this.#failures.push(`${(this.time.nowMs / 1_000).toFixed(3)} ${what}`);
  }

  async beforeCall(): Promise<void> {
    const { nowMs } = this.time;
    if (nowMs > this.#databaseMs) await this.#lab.passTime(nowMs - this.#databaseMs);
    this.#databaseMs = nowMs;
  }

  async afterCall(call: string, answer: unknown): Promise<void> {
    if (typeof answer === "object" && answer !== null && "duplicate" in answer) {
      const name = call.replace(" again", "");
      if (answer.duplicate !== this.#posted.has(name))
        this.fail(`${call}: posted before is ${String(this.#posted.has(name))}, the answer differs`);
      this.#posted.add(name);
    }
    if (changesNothing(answer)) return;
    for (const { check, subject, detail } of await this.#lab.findFaults()) this.fail(`${check} after ${call}: ${subject}: ${detail}`);
  }

  // What happens

  async #prepare({ clientId, proxyUserId }: Person): Promise<void> {
    const { random } = this;
    await this.#credit(clientId, random.pick([300_000, 3_000_000, 30_000_000]));
    if (random.chance(0.2)) await this.#lab.limit(proxyUserId, random.between(100_000, 5_000_000));
  }

  async #credit(clientId: string, bytes: number): Promise<void> {
    this.#credited.set(clientId, (this.#credited.get(clientId) ?? 0) + bytes);
    await this.#lab.credit(clientId, bytes);
  }

  async #start(seat: Seat): Promise<void> {
    const process = new GatewayProcess({
      world: this,
      name: seat.name,
      dataDir: seat.dataDir,
      wallMs: () => startMs + this.time.nowMs + ((this.#seed * 1_000) % hourMs) + seat.clockErrorMs,
      segmentBytes: this.#segmentBytes,
      streamClass: this.#streamClass,
      onDead: (why) => this.#bury(seat, process, why),
    });
    this.note(`${seat.name} starts as ${process.identity.epoch}`);
    seat.process = process;
    this.#processes.push(process);
    if (!this.#isCalm && this.random.chance(0.05)) process.disk.tearAfter(this.random.between(1, 6));
    await process.start();
  }

  #bury(seat: Seat, process: GatewayProcess, why: string): void {
    if (seat.process !== process) return;
    this.note(`${seat.name} is dead: ${why}`);
    seat.process = null;
    this.time.after(this.random.between(50, this.#isCalm ? 500 : 6_000), async () => {
      await process.bury();
      await this.#start(seat);
    });
  }

  #askSoon(): void {
    this.time.after(this.random.between(50, 1_500), () => {
      if (this.#isCalm) return;
      const process = this.random.pick(this.#seats).process;
      if (process?.isServing === true) void this.#ask(process, this.random.pick(this.#people));
      this.#askSoon();
    });
  }

  /** A client asks for a session, as session/open-session.ts gives one. */
  async #ask(process: GatewayProcess, { proxyUserId, username }: Person): Promise<void> {
    const { accounts, quotas } = process.parts;
    try {
      const isKnown = accounts.users.has(proxyUserId) && this.random.chance(0.7);
      const facts = isKnown ? null : await process.link.findProxyUser(username);
      const user = facts === null ? accounts.users.get(proxyUserId) : accounts.update(facts);
      if (user === undefined || process.refuse(user) !== null || this.#isCalm) return;
      quotas.of(user);
      const { random } = this;
      const id = `ses_${this.#seed}_${this.#sessions.length}`;
      const maxBytes = random.chance(0.1) ? random.between(1, 500_000) : null;
      this.note(`${id} opens`);
      this.#sessions.push(
        new SimulatedSession(process, user, {
          id,
          exit: random.pick(this.#lab.exits),
          maxBytes,
          lifeMs: random.between(200, 15_000),
          random,
        }),
      );
    } catch {
      // The account could not be read: the client is refused.
    }
  }

  #disturbSoon(): void {
    this.time.after(this.random.between(200, 3_000), async () => {
      if (this.#isCalm) return;
      await this.#disturb();
      this.#disturbSoon();
    });
  }

  async #disturb(): Promise<void> {
    const { random } = this;
    const seat = random.pick(this.#seats);
    const { process } = seat;
    switch (random.pick(["kill", "tear", "clog", "restart", "clock", "buy"] as const)) {
      case "kill":
        return process?.kill("killed");
      case "tear":
        return process?.disk.tearAfter(random.between(1, 20));
      case "clog":
        return process?.link.clog(random.between(100, 8_000));
      case "restart":
        this.note("the database restarts");
        this.restarts += 1;
        this.awayUntilMs = this.time.nowMs + random.between(100, 8_000);
        return undefined;
      case "clock":
        seat.clockErrorMs = random.pick([-hourMs, 0, hourMs]);
        return this.note(`the clock of ${seat.name} is wrong by ${seat.clockErrorMs} ms`);
      case "buy": {
        const { clientId } = random.pick(this.#people);
        await this.#credit(clientId, random.between(1, 2_000_000));
        for (const { process: each } of this.#seats) each?.parts.quotas.reconsider((client) => client.clientId === clientId);
      }
    }
  }

  /** Faults end, and so do the sessions. */
  #calm(): void {
    this.note("calm");
    this.#isCalm = true;
    this.faults = noFaults;
    this.awayUntilMs = 0;
    for (const session of this.#sessions) session.finish();
    for (const process of this.#processes) {
      process.disk.tearAfter(Infinity);
      process.link.heal();
    }
  }

  get #played(): Played {
    return {
      lab: this.#lab,
      people: this.#people,
      seats: this.#seats,
      sessions: this.#sessions,
      credited: this.#credited,
      fail: (what) => this.fail(what),
    };
  }

  #report(): SimulationReport {
    return {
      seed: this.#seed,
      failures: this.#failures,
      events: this.#events,
      sessions: this.#sessions.length,
      kills: this.#processes.length - this.#seats.length,
      billedBytes: this.#sessions.reduce((sum, { traffic }) => sum + traffic.releasedBytes, 0),
    };
  }
}
