import { beforeEach, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, type UsageWorld } from "../testing/usage-world.ts";
import type { QuotaTaken } from "./index.ts";

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
  await world.fixtures.credit(world.clientId, 1_000_000_000_000n);
  await comeTo("2026-11-27 23:50:00");
  return () => world.close();
});

const mib = 1_048_576;
const quarter = 262_144;
let turn = 0;

/** The clock of caps stands there from now on. */
async function comeTo(utc: string): Promise<void> {
  await world.fixtures.pool.query(
    `CREATE OR REPLACE FUNCTION karvon_cap_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT timestamptz '${utc}+00' $$`,
  );
}

async function limitUser(limits: { day?: number; month?: number; total?: number }): Promise<void> {
  await world.fixtures.pool.query(
    "UPDATE proxy_user SET day_limit_bytes = $2, month_limit_bytes = $3, traffic_limit_bytes = $4, marked_on = karvon_cap_day() WHERE id = $1",
    [world.proxyUserId, limits.day, limits.month, limits.total],
  );
}

async function capTag(limits: { day?: number; month?: number; total?: number }): Promise<void> {
  await world.fixtures.pool.query(
    "INSERT INTO tag_cap (client_id, tag, day_limit_bytes, month_limit_bytes, total_limit_bytes, marked_on) VALUES ($1, 'crawl', $2, $3, $4, karvon_cap_day())",
    [world.clientId, limits.day, limits.month, limits.total],
  );
}

interface Ask {
  readonly spent?: number | null;
  readonly want?: number;
  readonly turn?: number;
  readonly gatewayId?: string;
  readonly epoch?: bigint;
}

function call({ spent = null, want = 10 * mib, ...some }: Ask) {
  turn += 1;
  return { clientId: world.clientId, gatewayId: world.gatewayId, epoch: 1n, turn, spentBytes: spent, wantBytes: want, ...some };
}

const take = (ask: Ask = {}): Promise<QuotaTaken> => world.db.takeQuota({ ...call(ask), proxyUserId: world.proxyUserId });
const takeTag = (ask: Ask = {}): Promise<QuotaTaken> => world.db.takeTagQuota({ ...call(ask), tag: "crawl" });
const returnTag = (spentBytes: number): Promise<void> => world.db.returnTagQuota({ ...call({}), spentBytes, tag: "crawl" });

async function readTag(): Promise<unknown> {
  const { rows } = await world.fixtures.pool.query(
    `SELECT used_bytes::int AS used, karvon_used_in_day(used_bytes, day_mark_bytes, marked_on)::int AS day,
       karvon_used_in_month(used_bytes, month_mark_bytes, marked_on)::int AS month FROM tag_cap`,
  );
  return rows[0];
}

/** Posts that the proxy user's session has carried so much in total. */
async function post(seq: number, facts: ReturnType<UsageWorld["makeFacts"]>, bytes: number): Promise<void> {
  await world.db.recordUsage(world.makeBatch(seq, [counterOf(facts, 0, bytes)], seq === 1 ? [facts] : []));
}

const midnight = { at: new Date("2026-11-28T00:00:00Z"), inMs: 600_000 };
const december = { at: new Date("2026-12-01T00:00:00Z"), inMs: (3 * 86_400 + 600) * 1_000 };

describe("a proxy user's limits by day and month", () => {
  test("end its traffic in all gateways together, and say which it was and when it opens", async () => {
    await limitUser({ day: 600_000 });
    const other = await world.fixtures.makeGateway();
    expect(await take()).toEqual({ grantedBytes: 300_000, usedBytes: 0, shortOf: "day", opens: midnight, isFinal: false });
    expect(await take({ gatewayId: other })).toMatchObject({ grantedBytes: quarter, shortOf: "day" });
    expect(await take({ spent: 300_000 })).toMatchObject({ grantedBytes: 600_000 - quarter, isFinal: true });
    expect(await take({ spent: 600_000 - quarter })).toMatchObject({ grantedBytes: 600_000 - quarter, shortOf: "day", opens: midnight });
  });

  test("open again at midnight UTC, and what others hold from before counts in the new day", async () => {
    await limitUser({ day: 600_000, month: 900_000 });
    const facts = world.makeFacts();
    const other = await world.fixtures.makeGateway();
    await take({ want: 500_000 });
    await take({ gatewayId: other, want: 100_000 });
    await post(1, facts, 300_000);
    expect(await take({ spent: 300_000 })).toMatchObject({ grantedBytes: 500_000 });
    await post(2, facts, 500_000);
    await comeTo("2026-11-28 00:00:00");
    // 600,000 of the day less 100,000 in the other's hand; 900,000 of the month less 500,000 posted and the same 100,000.
    expect(await take({ spent: 500_000, want: 100_000 })).toMatchObject({ grantedBytes: 600_000, shortOf: null });
    expect(await take({ spent: 600_000 })).toMatchObject({ grantedBytes: 800_000, shortOf: "month", opens: { at: december.at } });
    await post(3, facts, 800_000);
    expect(await take({ spent: 800_000 })).toMatchObject({ grantedBytes: 800_000, shortOf: "month" });
    await comeTo("2026-12-01 00:00:00");
    expect(await take({ spent: 800_000, want: 200_000 })).toMatchObject({ grantedBytes: 1_000_000, shortOf: null });
  });

  test("that are used up together are said by the one that opens last", async () => {
    await limitUser({ day: 0, month: 0 });
    expect(await take()).toMatchObject({ shortOf: "month", opens: december });
    await limitUser({ day: 0, month: 0, total: 0 });
    expect(await take()).toMatchObject({ shortOf: "limit", opens: null });
  });
});

describe("a tag's caps", () => {
  test("hold over all gateways, in total, and are spent to the last byte", async () => {
    await capTag({ total: 600_000 });
    const other = await world.fixtures.makeGateway();
    expect(await takeTag()).toEqual({ grantedBytes: 300_000, usedBytes: 0, shortOf: "limit", opens: null, isFinal: false });
    expect(await takeTag({ gatewayId: other })).toMatchObject({ grantedBytes: quarter });
    expect(await takeTag({ spent: 300_000 })).toMatchObject({ grantedBytes: 600_000 - quarter, isFinal: true });
    expect(await takeTag({ gatewayId: other, spent: quarter })).toMatchObject({ grantedBytes: quarter, shortOf: "limit" });
    expect(await readTag()).toEqual({ used: 300_000 + quarter, day: 300_000 + quarter, month: 300_000 + quarter });
  });

  test("open again with the day and the month", async () => {
    await capTag({ day: 500_000, month: 700_000 });
    await takeTag({ want: 500_000 });
    expect(await takeTag({ spent: 500_000 })).toMatchObject({ grantedBytes: 500_000, shortOf: "day", opens: midnight });
    await comeTo("2026-11-28 00:00:00");
    expect(await readTag()).toEqual({ used: 500_000, day: 0, month: 500_000 });
    expect(await takeTag({ spent: 500_000, want: 200_000 })).toMatchObject({ grantedBytes: 700_000, shortOf: null });
    expect(await takeTag({ spent: 700_000 })).toMatchObject({ grantedBytes: 700_000, shortOf: "month" });
    await comeTo("2026-12-01 00:00:00");
    expect(await takeTag({ spent: 700_000, want: 1_000 })).toMatchObject({ grantedBytes: 701_000, shortOf: null });
  });

  test("count a call once, whatever comes twice or late, and take back what was not spent", async () => {
    await capTag({ total: 100_000_000 });
    await takeTag({ want: mib });
    await takeTag({ spent: 1_000, want: mib });
    expect(await takeTag({ spent: 500, turn: turn - 1 })).toMatchObject({ grantedBytes: mib + 1_000 });
    await returnTag(3_000);
    await returnTag(3_000);
    expect(await readTag()).toEqual({ used: 3_000, day: 3_000, month: 3_000 });
    expect(await takeTag({ want: mib })).toMatchObject({ grantedBytes: 3_000 + mib, usedBytes: 3_000 });
  });

  test("grant what is wanted to a tag that has none", async () => {
    expect(await takeTag({ spent: 5, want: mib })).toEqual({
      grantedBytes: 5 + mib,
      usedBytes: 5,
      shortOf: null,
      opens: null,
      isFinal: false,
    });
  });

  test("of a gateway that died count what its sessions are posted with, not all that it held", async () => {
    await capTag({ total: 10 * mib });
    const epoch = BigInt(Date.now());
    const facts = world.makeFacts({ tag: "crawl", openedAtMs: Date.now() + 1_000 });
    await takeTag({ epoch, want: 4 * mib });
    const batch = world.makeBatch(1, [counterOf(facts, 0, 700_000)], [facts], { epoch, sampledAtMs: Date.now() + 2_000 });
    await world.db.recordUsage(batch);
    await world.db.releaseQuotas(world.gatewayId, epoch);
    expect(await readTag()).toMatchObject({ used: 700_000 });
    const other = await world.fixtures.makeGateway();
    expect(await takeTag({ gatewayId: other, want: 4 * mib })).toMatchObject({ grantedBytes: 4 * mib, shortOf: null });
  });
});
