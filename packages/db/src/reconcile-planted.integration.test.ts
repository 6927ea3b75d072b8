/** M19: one altered row for each check, in a database with usage of several clients, gateways and nodes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { perform, plant } from "./testing/plant.ts";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;
const startMs = Math.floor(Date.now() / hourMs) * hourMs - 4 * hourMs;
const sessionsPerReport = 25;
const reports = 40;

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
  const second = await world.fixtures.makeClient();
  const users = [
    { clientId: world.clientId, proxyUserId: world.proxyUserId },
    { clientId: second.clientId, proxyUserId: (await world.fixtures.makeProxyUser(second.clientId)).proxyUserId },
  ];
  const gateways = [world.gatewayId, await world.fixtures.makeGateway()];
  for (const { clientId } of users) await world.fixtures.credit(clientId, 10n ** 12n);
  for (let index = 0; index < reports; index += 1) {
    const opened = Array.from({ length: sessionsPerReport }, (_, count) => world.makeFacts(users[count % users.length]));
    const counters = opened.map((facts, count) => counterOf(facts, 1_000_000 + count, 3_000_000 + index));
    const some = { gatewayId: gateways[index % 2] ?? world.gatewayId, sampledAtMs: startMs + (index + 10) * minuteMs };
    await world.db.recordUsage(world.makeBatch(Math.floor(index / 2) + 1, counters, opened, some));
  }
  await reportBytes();
});
afterAll(() => world.close());

/** The device's own count of the same: 100 MB with each report. */
async function reportBytes(): Promise<void> {
  const rest = { nodeId: world.nodeId, batteryPercent: null, isCharging: null, network: "wifi" as const, rttMs: 20, openStreams: 1 };
  const minutes = Array.from({ length: 81 }, (_, index) => index - 10);
  const bytesAt = (minute: number): number => Math.min(reports, Math.max(0, minute - 10)) * sessionsPerReport * 4_000_000;
  await world.db.saveHeartbeats(minutes.map((minute) => ({ ...rest, atMs: startMs + minute * minuteMs, dayBytes: bytesAt(minute) })));
}

async function readOne(text: string): Promise<string> {
  const { rows } = await world.fixtures.pool.query<{ found: string }>(text);
  const [row] = rows;
  if (row === undefined) throw new Error(`nothing found: ${text}`);
  return row.found;
}

test("finds eight of eight planted rows, each by its own check", async () => {
  expect(await perform(world, "full", 1_000)).toMatchObject({ bad_count: 0 });
  const tx = await readOne("SELECT tx_id AS found FROM usage_batch WHERE seq = 9 LIMIT 1");
  const session = await readOne("SELECT id AS found FROM proxy_session OFFSET 500 LIMIT 1");
  const account = await readOne("SELECT id AS found FROM ledger_account WHERE kind = 'operator_payable'");
  const reserved = await readOne("SELECT id AS found FROM ledger_account WHERE kind = 'client_bytes' LIMIT 1");
  const planted: [check: string, subject: string, text: string][] = [
    ["C1", `account ${account}`, `UPDATE ledger_account SET posted = posted + 1 WHERE id = ${account}`],
    [
      "C2",
      `transaction ${tx}`,
      `UPDATE ledger_entry SET amount = amount - 1 WHERE tx_id = ${tx} AND asset = 'USD6' AND amount < 0 AND account_version = (SELECT max(account_version) FROM ledger_entry WHERE tx_id = ${tx} AND asset = 'USD6' AND amount < 0)`,
    ],
    ["C3", `client ${world.clientId}`, `UPDATE usage_hour SET up_bytes = up_bytes + 1 WHERE client_id = '${world.clientId}'`],
    [
      "C4",
      `batch ${world.gatewayId} 1 7`,
      `UPDATE usage_batch SET payload_sha256 = sha256('x') WHERE gateway_id = '${world.gatewayId}' AND seq = 7`,
    ],
    ["C5", `account ${reserved}`, `UPDATE ledger_account SET reserved = reserved + 1 WHERE id = ${reserved}`],
    ["C6", `session ${session}`, `UPDATE proxy_session SET due_micro_usd = due_micro_usd + 1 WHERE id = '${session}'`],
    ["C7", "BYTE", "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'bytes_issued'"],
    [
      "C8",
      `node ${world.nodeId}`,
      `UPDATE heartbeat SET day_bytes = day_bytes + 9000000000 WHERE at = '${new Date(startMs + 20 * minuteMs).toISOString()}'`,
    ],
  ];
  for (const [, , text] of planted) await plant(world, text);

  const began = performance.now();
  const { checks } = await perform(world, "full", 1_000);
  const milliseconds = Math.round(performance.now() - began);
  const isFound = ([check, subject]: (typeof planted)[number]): boolean =>
    checks.some((one) => one.check === check && one.sample.some((fault) => fault.subject.split(",")[0] === subject));
  const detected = planted.filter(isFound);
  process.stdout.write(`${JSON.stringify({ figure: "M19", detected: detected.length, planted: planted.length, milliseconds })}\n`);
  expect(detected.map(([check]) => check)).toEqual(["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"]);
});
