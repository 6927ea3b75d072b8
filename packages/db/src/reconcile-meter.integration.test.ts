/** C8: what devices counted against what was charged, hour by hour. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { plant } from "./testing/plant.ts";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;
const mb = 1_000_000;
/** The hour that is judged: long over. */
const startMs = Math.floor(Date.now() / hourMs) * hourMs - 4 * hourMs;

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
});
afterEach(() => world.close());

/** A device that reports every minute from ten minutes before the hour until ten minutes after it. */
async function report(bytesAt: (minute: number) => number, nodeId = world.nodeId, fromMs = startMs): Promise<void> {
  const rest = { batteryPercent: null, isCharging: null, network: "wifi" as const, rttMs: 20, openStreams: 1 };
  const minutes = Array.from({ length: 81 }, (_, index) => index - 10);
  await world.db.saveHeartbeats(
    minutes.map((minute) => ({ ...rest, nodeId, atMs: fromMs + minute * minuteMs, dayBytes: bytesAt(minute) })),
  );
}

let seq = 0;
beforeEach(() => {
  seq = 0;
});
async function charge(bytes: number, nodeId = world.nodeId, sampledAtMs = startMs + 30 * minuteMs): Promise<void> {
  seq += 1;
  const facts = world.makeFacts({ nodeId });
  await world.db.recordUsage(world.makeBatch(seq, [counterOf(facts, bytes, 0)], [facts], { sampledAtMs }));
}

/** Who is at fault: "node nod_…" or "network". */
async function readFaults(hours = 1): Promise<string[]> {
  const values = [new Date(startMs), `${hours} hours`];
  const { rows } = await world.fixtures.pool.query<{ subject: string }>(
    "SELECT subject FROM reconcile_meter_fault($1, $1, $2) ORDER BY 1",
    values,
  );
  return rows.map(({ subject }) => subject.split(",")[0] ?? "");
}

/** 100 MB a minute in the hour, nothing around it. */
const steady = (minute: number): number => 7 * mb + 100 * mb * Math.min(60, Math.max(0, minute));

test("agrees when the device counted what was charged", async () => {
  await report(steady);
  await charge(6_000 * mb);
  expect(await readFaults()).toEqual([]);
});

test.each([
  ["0.9 % too much", 1.009, 0],
  ["1.5 % too much", 1.015, 2],
  // The last two minutes may be charged to the hour that follows.
  ["4 % too little", 0.96, 0],
  ["5.5 % too little", 0.945, 2],
])("charged %s", async (_name, factor, wanted) => {
  await report(steady);
  await charge(Math.round(6_000 * mb * factor));
  expect(await readFaults()).toHaveLength(wanted);
});

test("is held over a span of several hours too", async () => {
  await report(steady);
  await charge(6_000 * mb);
  await charge(6_000 * mb, undefined, startMs + 90 * minuteMs);
  expect(await readFaults(1)).toEqual([]);
  expect(await readFaults(2)).toEqual([]);
  await report(() => steady(60), undefined, startMs + 180 * minuteMs);
  expect(await readFaults(2)).toEqual(["network", `node ${world.nodeId}`]);
});

test("finds traffic that was not charged at all", async () => {
  await report(steady);
  expect(await readFaults()).toEqual(["network", `node ${world.nodeId}`]);
});

test("finds a charge for which no device carried anything", async () => {
  await report(() => 7 * mb);
  await charge(20 * mb);
  expect(await readFaults()).toEqual(["network", `node ${world.nodeId}`]);
});

test("allows each node the credit of a tunnel that broke, and the network no more than that", async () => {
  const nodes = [world.nodeId];
  for (let count = 0; count < 3; count += 1) nodes.push((await world.fixtures.makeNode(world.operatorId)).nodeId);
  for (const nodeId of nodes) {
    await report((minute) => Math.min(60, Math.max(0, minute)) * mb, nodeId);
    await charge(70 * mb, nodeId);
  }
  expect(await readFaults()).toEqual(["network"]);
});

test("knows the least after a count that began anew, and does not guess the most", async () => {
  const midnight = (minute: number): number => (minute < 30 ? steady(minute) : 100 * mb * Math.min(30, minute - 30));
  await report(midnight);
  await charge(6_000 * mb);
  expect(await readFaults()).toEqual([]);
  await charge(6_000 * mb);
  expect(await readFaults()).toEqual([]);
});

test("says nothing of a node whose reports do not reach around the hour", async () => {
  await charge(6_000 * mb);
  expect(await readFaults()).toEqual([]);
});

test("finds a report that was altered", async () => {
  await report(steady);
  await charge(6_000 * mb);
  await plant(
    world,
    `UPDATE heartbeat SET day_bytes = day_bytes + 9000000000 WHERE at = '${new Date(startMs + 20 * minuteMs).toISOString()}'`,
  );
  expect(await readFaults()).toEqual([`node ${world.nodeId}`]);
});
