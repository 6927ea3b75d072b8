import { isFullTier, printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { gatherCrowd } from "../testing/crowd.ts";
import { counterOf, openUsageWorld } from "../testing/usage-world.ts";

const crowd = { clients: 500, operators: 50, nodes: 500, sessions: 10_000 };
const growths = isFullTier ? 60 : 3;
/** Sessions of the same month that are over: a flush must find its own among them. */
const earlierSessions = isFullTier ? 200_000 : 0;

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

test("M17: a flush of 10,000 sessions of 500 accounts posts each byte, and its time is printed", async () => {
  const world = await openUsageWorld();
  const startedAtMs = Date.now();
  const sessions = await gatherCrowd(world, { ...crowd, openedAtMs: startedAtMs - 60_000 });
  await world.fixtures.pool.query(
    `INSERT INTO proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port, closed_at, close_reason)
     SELECT 'earlier' || n, date_trunc('month', now()) + n * interval '1 s', 'client1', 'user1', 'operator1', 'node1', $1, $2, 'connect', 'example.com', 443, now(), 'client_closed'
     FROM generate_series(1, $3::int) AS n`,
    [world.gatewayId, world.fixtures.priceId, earlierSessions],
  );
  const flush = async (seq: number): Promise<number> => {
    const counters = sessions.map((facts) => counterOf(facts, seq * 1_000, seq * 9_000));
    const batch = world.makeBatch(seq, counters, seq === 1 ? sessions : [], { sampledAtMs: startedAtMs });
    const beganMs = performance.now();
    const receipt = await world.db.recordUsage(batch);
    const ms = performance.now() - beganMs;
    expect(receipt).toMatchObject({ postedBytes: 100_000_000n, unknownSessionIds: [] });
    expect(receipt.balances).toHaveLength(crowd.clients);
    // What is posted is taken from what was granted, so what is left beyond the grant stays the same.
    expect(new Set(receipt.balances.map(({ balanceBytes }) => balanceBytes))).toEqual(new Set([99_000_000_000n]));
    return ms;
  };
  const openingMs = await flush(1);
  const times: number[] = [];
  for (let seq = 2; seq <= 1 + growths; seq += 1) times.push(await flush(seq));
  const sorted = times.toSorted((a, b) => a - b);
  const p50Ms = percentile(sorted, 0.5);
  printFigure("M17", {
    ...crowd,
    earlierSessions,
    hourRows: crowd.sessions,
    flushes: growths,
    openingMs: Math.round(openingMs),
    p50Ms: Math.round(p50Ms),
    p95Ms: Math.round(percentile(sorted, 0.95)),
    worstMs: Math.round(sorted.at(-1) ?? Number.NaN),
    rowsPerSecond: Math.round(crowd.sessions / (p50Ms / 1_000)),
  });
  const { rows } = await world.fixtures.pool.query("SELECT measured_bytes, client_debit_bytes FROM reconcile_totals()");
  const bytes = BigInt(growths + 1) * 100_000_000n;
  expect(rows).toEqual([{ measured_bytes: bytes, client_debit_bytes: bytes }]);
  expect(await world.readFaults()).toEqual({});
  expect(world.errors).toEqual([]);
  await world.close();
}, 120_000);
