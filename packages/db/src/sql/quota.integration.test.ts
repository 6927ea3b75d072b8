import { beforeEach, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, sampledAtMs, type UsageWorld } from "../testing/usage-world.ts";
import type { QuotaTaken } from "./index.ts";

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
  return () => world.close();
});

const mib = 1_048_576;
const quarter = 262_144;
let turn = 0;

interface Ask {
  readonly spent?: number | null;
  readonly want?: number;
  readonly turn?: number;
  readonly gatewayId?: string;
  readonly proxyUserId?: string;
  readonly epoch?: bigint;
}

function take({ spent = null, want = mib, ...ask }: Ask = {}): Promise<QuotaTaken> {
  turn += 1;
  const { clientId, proxyUserId, gatewayId } = world;
  return world.db.takeQuota({ clientId, proxyUserId, gatewayId, epoch: 1n, turn, spentBytes: spent, wantBytes: want, ...ask });
}

function giveBack(spentBytes: number, callTurn?: number): Promise<void> {
  turn += 1;
  const { clientId, proxyUserId, gatewayId } = world;
  return world.db.returnQuota({ clientId, proxyUserId, gatewayId, epoch: 1n, turn: callTurn ?? turn, spentBytes });
}

async function readAccount(): Promise<Record<string, unknown> | undefined> {
  const { rows } = await world.fixtures.pool.query(
    "SELECT posted, reserved, is_overdrawn FROM ledger_account WHERE kind = 'client_bytes' AND owner_id = $1",
    [world.clientId],
  );
  return rows[0];
}

async function reserved(): Promise<unknown> {
  expect(await world.readFaults()).toEqual({});
  return (await readAccount())?.["reserved"];
}

describe("a grant", () => {
  test("is what was wanted while there is plenty, and is reserved", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    expect(await take()).toEqual({ grantedBytes: mib, usedBytes: 0, shortOf: null, opens: null, isFinal: false });
    expect(await reserved()).toBe(BigInt(mib));
  });

  test("tops up what is in hand to what is wanted", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    await take();
    expect(await take({ spent: 1_000_000, want: 5_000_000 })).toMatchObject({ grantedBytes: 6_000_000 });
    expect(await take({ spent: 1_000_000, want: 1_000 })).toMatchObject({ grantedBytes: 6_000_000 });
    expect(await reserved()).toBe(6_000_000n);
  });

  test("shrinks as the balance runs out, down to the last byte, and says what was short", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000n);
    expect(await take({ want: 10 * mib })).toEqual({
      grantedBytes: 500_000,
      usedBytes: 0,
      shortOf: "balance",
      opens: null,
      isFinal: false,
    });
    expect(await take({ spent: 500_000, want: 10 * mib })).toMatchObject({ grantedBytes: 500_000 + quarter });
    expect(await take({ spent: 500_000 + quarter, want: 10 * mib })).toMatchObject({ grantedBytes: 1_000_000, isFinal: true });
    expect(await take({ spent: 1_000_000, want: 10 * mib })).toEqual({
      grantedBytes: 1_000_000,
      usedBytes: 0,
      shortOf: "balance",
      opens: null,
      isFinal: true,
    });
    expect(await reserved()).toBe(1_000_000n);
  });

  test("is refused to an account that never bought", async () => {
    expect(await take()).toEqual({ grantedBytes: 0, usedBytes: 0, shortOf: "balance", opens: null, isFinal: true });
  });

  test("ends at a proxy user's own limit, in all gateways together", async () => {
    const { clientId } = world;
    await world.fixtures.credit(clientId, 1_000_000_000n);
    const limited = await world.fixtures.makeProxyUser(clientId, { trafficLimitBytes: 600_000n });
    const other = await world.fixtures.makeGateway();
    const { proxyUserId } = limited;
    expect(await take({ proxyUserId, want: 10 * mib })).toMatchObject({ grantedBytes: 300_000, shortOf: "limit", isFinal: false });
    expect(await take({ proxyUserId, gatewayId: other, want: 10 * mib })).toMatchObject({ grantedBytes: quarter, shortOf: "limit" });
    expect(await take({ proxyUserId, spent: 300_000, want: 10 * mib })).toMatchObject({ grantedBytes: 600_000 - quarter, isFinal: true });
    expect(await take({ proxyUserId, spent: 600_000 - quarter, want: 10 * mib })).toMatchObject({ grantedBytes: 600_000 - quarter });
    expect(await reserved()).toBe(600_000n);
  });

  test("is answered again and not given again when a call comes twice or late", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    const first = await take();
    await take({ spent: mib });
    expect(await take({ turn: turn - 1, want: 90 * mib })).toMatchObject({ grantedBytes: first.grantedBytes + mib });
    expect(await reserved()).toBe(BigInt(2 * mib));
  });

  test("covers what was carried without one, even below zero", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000n);
    await take({ want: 400_000 });
    expect(await take({ spent: 1_400_000 })).toMatchObject({ grantedBytes: 1_400_000, shortOf: "balance" });
    expect(await reserved()).toBe(1_400_000n);
  });
});

describe("what is in hand", () => {
  test("goes back once, and a late return leaves a newer grant alone", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    await take();
    await giveBack(100_000);
    await giveBack(100_000);
    expect(await reserved()).toBe(100_000n);
    await take({ spent: 100_000 });
    await giveBack(100_000, turn - 1);
    expect(await reserved()).toBe(100_000n + BigInt(mib));
  });

  test("begins anew for a gateway that has forgotten the user", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    const facts = world.makeFacts();
    await take();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 0, 1_000)], [facts]));
    expect(await take({ spent: null })).toMatchObject({ grantedBytes: 1_000 + mib, usedBytes: 1_000 });
    expect(await reserved()).toBe(BigInt(mib));
  });
});

describe("a flush", () => {
  test("takes from the grant what it posts, in the same transaction", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    const facts = world.makeFacts();
    await take();
    const batch = world.makeBatch(1, [counterOf(facts, 1_000, 2_000)], [facts]);
    for (const isDuplicate of [false, true]) {
      expect((await world.db.recordUsage(batch)).duplicate).toBe(isDuplicate);
      expect(await reserved()).toBe(BigInt(mib - 3_000));
    }
    expect(await readAccount()).toMatchObject({ posted: 1_000_000_000n - 3_000n });
  });

  test("posts what no grant covers, and an account below zero is overdrawn", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000n);
    const facts = world.makeFacts();
    await take({ want: 400_000 });
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 0, 1_500_000)], [facts]));
    expect(await reserved()).toBe(0n);
    expect(await readAccount()).toEqual({ posted: -500_000n, reserved: 0n, is_overdrawn: true });
    expect(await take({ spent: 1_500_000 })).toMatchObject({ grantedBytes: 1_500_000, usedBytes: 1_500_000 });
  });

  test("of a new run posts the sessions of the run before against that run's grant", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    const [old, fresh] = [world.makeFacts(), world.makeFacts({ openedAtMs: sampledAtMs })];
    const epoch = BigInt(sampledAtMs - 1);
    await take();
    await take({ epoch });
    const counters = [counterOf(old, 0, 10), counterOf(fresh, 0, 200)];
    await world.db.recordUsage(world.makeBatch(1, counters, [old, fresh], { epoch }));
    const { rows } = await world.fixtures.pool.query("SELECT epoch, used FROM quota_grant ORDER BY epoch");
    expect(rows).toEqual([
      { epoch: 1n, used: 10n },
      { epoch, used: 200n },
    ]);
    expect(await world.db.releaseQuotas(world.gatewayId, epoch - 1n)).toEqual({ settled: 1n, lost: 0n });
    expect(await reserved()).toBe(BigInt(mib - 200));
  });
});

describe("grants that nobody uses", () => {
  async function age(minutes: number): Promise<void> {
    await world.fixtures.pool.query("UPDATE quota_grant SET expires_at = now() - $1 * interval '1 min'", [minutes]);
  }

  test("are freed as lost ten minutes after they ran out, by any gateway, once", async () => {
    await world.fixtures.credit(world.clientId, 1_000_000_000n);
    const other = await world.fixtures.makeGateway();
    await take();
    await age(9);
    expect(await world.db.releaseQuotas(other, 1n)).toEqual({ settled: 0n, lost: 0n });
    await age(11);
    const both = await Promise.all([world.db.releaseQuotas(other, 1n), world.db.releaseQuotas(other, 1n)]);
    expect(both.reduce((sum, { lost }) => sum + lost, 0n)).toBe(1n);
    expect(await reserved()).toBe(0n);
  });

  test("still have their bytes posted when the gateway is heard of again, and the overdraft shows", async () => {
    await world.fixtures.credit(world.clientId, BigInt(mib));
    const facts = world.makeFacts();
    await take({ want: 400_000 });
    await age(11);
    await world.db.releaseQuotas(world.gatewayId, 0n);
    const other = await world.fixtures.makeGateway();
    await take({ gatewayId: other, want: 500_000 });
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 0, 2 * mib)], [facts]));
    expect(await reserved()).toBe(500_000n);
    expect(await readAccount()).toMatchObject({ posted: BigInt(-mib), is_overdrawn: true });
    expect(await take({ spent: 2 * mib })).toMatchObject({ grantedBytes: 2 * mib, shortOf: "balance" });
    expect(await world.readFaults()).toEqual({});
  });
});
