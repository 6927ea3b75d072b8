/** What a gateway that is killed, a PostgreSQL that ends at once, and both together cost: not a byte. */
import { type CrashingPostgres, isFullTier, printFigure, startCrashingPostgres, until } from "@karvon/testkit";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addUp, compareWithLedger } from "./test/compare-with-ledger.ts";
import { type CountingTarget, startCountingTarget } from "./test/counting-target.ts";
import { type GatewayProcess, type GatewayProcesses, openGatewayProcesses } from "./test/gateway-process.ts";
import { holdFlush } from "./test/hold-flush.ts";
import { type KillFigures, killOnce } from "./test/kill-world.ts";
import { type LoadClient, startLoadClient } from "./test/load-client.ts";
import { openRig, type Rig } from "./test/rig.ts";

const mb = 1_000_000;
const untilBacklogMs = 15_000;

let postgres: CrashingPostgres;
let processes: GatewayProcesses;
let target: CountingTarget;
let login: Awaited<ReturnType<GatewayProcesses["makeLogin"]>>;
beforeAll(async () => {
  postgres = await startCrashingPostgres();
  processes = await openGatewayProcesses({ url: postgres.url, drop: () => Promise.resolve() });
  target = await startCountingTarget();
  login = await processes.makeLogin(10n ** 13n);
});
afterAll(async () => {
  target.close();
  await processes.close();
  await postgres.close();
});

async function faults(): Promise<unknown[]> {
  const { rows } = await processes.fixtures.pool.query(`SELECT "check", bad_count FROM reconcile() WHERE bad_count > 0`);
  return rows;
}

/** Journals that nobody has posted. */
function leftFiles(): string[] {
  const root = join(processes.dataDir, "journal");
  return readdirSync(root).flatMap((id) => readdirSync(join(root, id)).filter((name) => name.endsWith(".log")));
}

/** Another moment in each round. */
function killAtBytes(round: number): number {
  return (30 + ((round * 37) % 100)) * mb * (isFullTier ? 3 : 1);
}

function figureOf(rounds: readonly KillFigures[]): Record<string, number> {
  return { ...addUp(rounds), slowestMbPerS: Math.min(...rounds.map(({ mbPerS }) => mbPerS)) };
}

test("M01: a gateway that is killed has billed every byte that its clients received and their targets were sent", async () => {
  const kills = isFullTier ? 20 : 1;
  const rounds: KillFigures[] = [];
  for (let kill = 0; kill < kills; kill += 1)
    rounds.push(await killOnce({ processes, target, login, clients: 8, nodes: 2, killAtBytes: killAtBytes(kill) }));
  const figure = figureOf(rounds);
  printFigure("M01", { kills, ...figure });
  expect(figure).toMatchObject({ underBilledBytes: 0, overBilledBytes: 0 });
  expect(await faults()).toEqual([]);
  expect(leftFiles()).toEqual([]);
}, 600_000);

test("a gateway that is killed is posted by a successor in another seat, which has another name", async () => {
  const gateway = await processes.start();
  const node = await processes.addNode(gateway);
  const client = await startLoadClient(gateway.proxyPort, login, target.port, "other");
  await until(() => client.receivedBytes > mb);
  gateway.child.kill("SIGKILL");
  await gateway.exited;
  await until(() => client.isClosed);
  node.close();
  // What the next process finds when it has another seat: its own file names another gateway.
  rmSync(join(processes.dataDir, "gateway.json"));
  const successor = await processes.start();
  const { pool } = processes.fixtures;
  const { rows } = await pool.query("SELECT down_bytes, close_reason FROM proxy_session WHERE id = $1", [client.sessionId]);
  expect(rows).toMatchObject([{ close_reason: "gateway_lost" }]);
  expect(Number(rows[0].down_bytes)).toBeGreaterThanOrEqual(client.receivedBytes);
  expect((await pool.query("SELECT FROM quota_grant WHERE state = 'open'")).rowCount).toBe(0);
  successor.child.kill("SIGTERM");
  await successor.exited;
  expect(leftFiles()).toEqual([]);
}, 60_000);

// Says nothing of the product, so it need not run each time.
test.runIf(isFullTier)(
  "M16: a gateway that forwards before it writes loses bytes, so that the comparison can tell",
  async () => {
    const environment = { KARVON_JOURNAL: "tick:60000" };
    const { underBilledBytes } = await killOnce({ processes, target, login, clients: 2, nodes: 1, killAtBytes: 30 * mb, environment });
    expect(underBilledBytes).toBeGreaterThan(0);
  },
  60_000,
);

test("M02: a PostgreSQL that ends at once and comes back costs no byte and no session, and bills none twice", async () => {
  const restarts = isFullTier ? 20 : 2;
  const rig = await openRig({ database: { url: postgres.url, drop: () => Promise.resolve() }, flushIntervalMs: 100 });
  const user = await rig.makeLogin({ bytes: 10n ** 13n });
  await rig.addNode();
  await rig.addNode();
  target.forget();
  const clients = await Promise.all(
    Array.from({ length: 8 }, (_, number) => startLoadClient(rig.proxy.proxyPort, user, target.port, `client${number}`)),
  );
  await moreTraffic(clients);
  let slowestBacklogMs = 0;
  for (let restart = 0; restart < restarts; restart += 1) {
    await crashAround(rig, user.proxyUserId, restart, clients);
    await postgres.start();
    const upAtMs = performance.now();
    // Everything that was counted until PostgreSQL came back.
    await rig.proxy.flushNow();
    slowestBacklogMs = Math.max(slowestBacklogMs, Math.round(performance.now() - upAtMs));
    await moreTraffic(clients);
  }
  const sessionsDropped = clients.filter(({ isClosed }) => isClosed).length;
  const flushesFailed = rig.logLines.filter(({ event }) => event === "flush.failed").length;
  for (const client of clients) client.finish();
  await until(() => clients.every(({ isClosed }) => isClosed), { what: "every connection's end" });
  await rig.proxy.flushNow();
  const found = await compareWithLedger(rig.fixtures.pool, target, clients);
  await rig.close();
  const { underBilledBytes: lostBytes, undeliveredBytes: doubledBytes, ...rest } = found;
  printFigure("M02", { restarts, ...rest, lostBytes, doubledBytes, sessionsDropped, slowestBacklogMs, flushesFailed });
  // Every connection ended in order, so nothing was on its way: what is billed is what was received, to the byte.
  expect({ lostBytes, doubledBytes, sessionsDropped }).toEqual({ lostBytes: 0, doubledBytes: 0, sessionsDropped: 0 });
  expect(slowestBacklogMs).toBeLessThan(untilBacklogMs);
  expect(flushesFailed).toBeGreaterThan(0);
  expect(await faults()).toEqual([]);
}, 600_000);

/** In turn: in the middle of a flush's transaction, around its commit, and whenever it comes. */
async function crashAround({ fixtures }: Rig, proxyUserId: string, round: number, clients: readonly LoadClient[]): Promise<void> {
  if (round % 3 === 2) {
    await moreTraffic(clients);
    await postgres.crash();
    return;
  }
  const held = await holdFlush(fixtures, proxyUserId);
  await held.reached();
  if (round % 3 === 1) {
    await held.release();
    // The transaction has some milliseconds to go: another one in each round.
    await pause(round);
  }
  await postgres.crash();
  if (round % 3 === 0) await held.release();
}

/** Every client goes on. */
async function moreTraffic(clients: readonly LoadClient[]): Promise<void> {
  const before = clients.map(({ receivedBytes }) => receivedBytes + mb);
  await until(() => clients.every(({ receivedBytes, isClosed }, at) => isClosed || receivedBytes > (before[at] ?? 0)), {
    what: "traffic on every connection",
    timeoutMs: 15_000,
  });
}

test("M03: a gateway and a PostgreSQL that are ended at once, and again while that is posted, cost no byte", async () => {
  const kills = isFullTier ? 20 : 1;
  const rounds: KillFigures[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const isHitAgain = kill % 2 === 0;
    const alsoEnd = (): Promise<void> => postgres.crash();
    const startSuccessor = (): Promise<GatewayProcess> => startAfterCrash(isHitAgain);
    rounds.push(
      await killOnce({ processes, target, login, clients: 8, nodes: 2, killAtBytes: killAtBytes(kill), alsoEnd, startSuccessor }),
    );
  }
  const figure = figureOf(rounds);
  printFigure("M03", { kills, ...figure });
  expect(figure).toMatchObject({ underBilledBytes: 0, overBilledBytes: 0 });
  expect(await faults()).toEqual([]);
  expect(leftFiles()).toEqual([]);
}, 600_000);

async function startAfterCrash(isHitAgain: boolean): Promise<GatewayProcess> {
  await postgres.start();
  if (!isHitAgain) return processes.start();
  const held = await holdFlush(processes.fixtures, login.proxyUserId);
  const starting = processes.start();
  await held.reached();
  await postgres.crash();
  await held.release();
  await postgres.start();
  return starting;
}
