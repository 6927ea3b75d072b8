import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openUsageWorld, type UsageWorld } from "../testing/usage-world.ts";
import { makeWalletClient, type WalletClient, type WalletOptions } from "../testing/wallet-world.ts";

const lotBytes = 100_000_000n;
/** At 3 USD per GB. */
const lotMicroUsd = 300_000n;
const mib = 1_048_576;

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
afterAll(async () => {
  const faults = await world.readFaults();
  await world.close();
  expect(faults).toEqual({});
});

const makeClient = (options?: WalletOptions): Promise<WalletClient> => makeWalletClient(world, options);

/** "KV004" and the like, or "done". */
async function databaseAnswer(text: string, values: unknown[] = []): Promise<string> {
  try {
    await world.fixtures.pool.query(text, values);
    return "done";
  } catch (cause) {
    return String(Reflect.get(Object(cause), "code"));
  }
}

/** A version that nobody else pays, with its tiers: two statements sent together are one transaction. */
async function publish(id: string, pico: number, tiers: readonly (readonly [fromGb: number, pico: number])[]): Promise<string> {
  const rows = tiers.map(([fromGb, price]) => `('${id}', ${fromGb}, ${price})`).join(", ");
  const insert = `INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, is_listed) VALUES ('${id}', 'Tiered', ${pico}, 0, false)`;
  return databaseAnswer(`${insert}; INSERT INTO price_tier VALUES ${rows}`);
}

describe("a wallet", () => {
  test("is turned into a whole lot of bytes when a gateway asks for more than is left", async () => {
    const client = await makeClient({ microUsd: 1_000_000n });
    expect(await client.take()).toEqual({ grantedBytes: mib, usedBytes: 0, shortOf: null, opens: null, isFinal: false });
    expect(await client.balances()).toEqual({ client_bytes: lotBytes, client_usd: lotMicroUsd, client_wallet: 700_000n });
    expect(await client.lots()).toEqual([
      {
        number: 1n,
        bytes: lotBytes,
        micro_usd: lotMicroUsd,
        pico_usd_per_byte: 3_000n,
        month_bytes: lotBytes,
        month_micro_usd: lotMicroUsd,
      },
    ]);
  });

  test("buys as many lots at once as the gateway is short of", async () => {
    const client = await makeClient({ microUsd: 3_000_000n });
    expect(await client.take({ want: 256 * mib })).toMatchObject({ grantedBytes: 256 * mib, shortOf: null });
    expect(await client.lots()).toMatchObject([{ bytes: 3n * lotBytes, micro_usd: 3n * lotMicroUsd }]);
  });

  test("stays as it is while traffic that was bought before covers what is asked for", async () => {
    const client = await makeClient({ microUsd: 1_000_000n });
    await world.fixtures.credit(client.clientId, 5_000_000n);
    expect(await client.take()).toMatchObject({ grantedBytes: mib, shortOf: null });
    expect(await client.lots()).toEqual([]);
  });

  test("stays as it is when the client did not switch it on", async () => {
    const client = await makeClient({ microUsd: 1_000_000n, isOn: false });
    expect(await client.take()).toMatchObject({ grantedBytes: 0, shortOf: "balance" });
    expect(await client.balances()).toEqual({ client_wallet: 1_000_000n });
  });

  test("is spent to its last micro-USD and never below zero", async () => {
    const client = await makeClient({ microUsd: 300_001n });
    expect(await client.take({ want: 256 * mib })).toEqual({
      grantedBytes: 100_000_333,
      usedBytes: 0,
      shortOf: "wallet",
      opens: null,
      isFinal: true,
    });
    expect(await client.balances()).toMatchObject({ client_wallet: 0n, client_bytes: 100_000_333n, client_usd: 300_001n });
    expect(await client.take({ spent: 100_000_333 })).toMatchObject({ grantedBytes: 100_000_333, shortOf: "wallet" });
  });

  test("buys nothing twice for a call that comes twice or late, or whose answer was lost", async () => {
    const client = await makeClient({ microUsd: 1_000_000n });
    const first = await client.take({ turn: 5 });
    expect(await client.take({ turn: 5 })).toMatchObject({ grantedBytes: first.grantedBytes });
    expect(await client.take({ turn: 4, want: 256 * mib })).toMatchObject({ grantedBytes: first.grantedBytes });
    expect(await client.take({ turn: 6 })).toMatchObject({ grantedBytes: first.grantedBytes });
    expect(await client.lots()).toHaveLength(1);
  });

  test("covers first what was carried on credit", async () => {
    const client = await makeClient({ microUsd: 1_000_000n });
    expect(await client.take({ spent: 150_000_000, want: mib })).toMatchObject({ grantedBytes: 150_000_000 + mib, shortOf: null });
    expect(await client.lots()).toMatchObject([{ bytes: 2n * lotBytes }]);
  });

  test("is not touched for a user whose own limit is reached", async () => {
    const client = await makeClient({ microUsd: 1_000_000n, trafficLimitBytes: 1_000n });
    expect(await client.take()).toMatchObject({ grantedBytes: 1_000, shortOf: "limit" });
    expect(await client.take({ spent: 1_000 })).toMatchObject({ grantedBytes: 1_000, shortOf: "limit" });
    expect(await client.lots()).toHaveLength(1);
  });
});

describe("the monthly cap", () => {
  test("ends what the wallet buys, to the micro-USD, and says so", async () => {
    const client = await makeClient({ microUsd: 1_000_000n, capMicroUsd: 450_000n });
    expect(await client.take({ want: 256 * mib })).toEqual({
      grantedBytes: 150_000_000,
      usedBytes: 0,
      shortOf: "spending_cap",
      opens: null,
      isFinal: true,
    });
    expect(await client.balances()).toMatchObject({ client_wallet: 550_000n });
  });

  test("begins anew with the month", async () => {
    const client = await makeClient({ microUsd: 1_000_000n, capMicroUsd: 300_000n });
    const { pool } = world.fixtures;
    const { rows } = await pool.query<{ id: bigint }>(
      "INSERT INTO ledger_tx (idempotency_key, kind, actor) VALUES ($1, 'wallet_lot', 'test') RETURNING id",
      [`test:${client.clientId}`],
    );
    await pool.query(
      "INSERT INTO wallet_lot VALUES ($1, 1, now(), karvon_month() - interval '1 month', $2, 3000, 9, 1, 9000000000, 300000, $3)",
      [client.clientId, world.fixtures.priceId, rows[0]?.id],
    );
    expect(await client.take()).toMatchObject({ grantedBytes: mib, shortOf: null });
    expect(await client.lots()).toMatchObject([{}, { number: 2n, month_bytes: lotBytes, month_micro_usd: lotMicroUsd }]);
  });
});

describe("tiers", () => {
  test("give a lot the price of what was bought before it in the month; the discount comes from the promotion account", async () => {
    await publish("prc_tiers", 3_000, [
      [1, 2_500],
      [2, 2_000],
    ]);
    const client = await makeClient({ microUsd: 10_000_000n, priceId: "prc_tiers" });
    const before = (await world.readBalances())["promotion"] ?? 0n;
    let spent = 0;
    for (const bytes of [1_000_000_000, 1_000_000_000, 100_000_000]) {
      for (let part = 0; part < bytes; part += 100_000_000) {
        await client.take({ spent, want: 100_000_000 });
        spent += 100_000_000;
      }
    }
    const lots = await client.lots();
    expect(lots.map((lot) => lot.pico_usd_per_byte)).toEqual([...Array(10).fill(3_000n), ...Array(10).fill(2_500n), 2_000n]);
    expect(await client.balances()).toEqual({
      client_bytes: 2_100_000_000n,
      client_usd: 6_300_000n,
      client_wallet: 10_000_000n - 5_700_000n,
    });
    expect((await world.readBalances())["promotion"]).toBe(before - 600_000n);
  });

  test.each([
    ["cost as much as the version", [[10, 3_000]]],
    [
      "cost more than the tier before",
      [
        [10, 2_000],
        [20, 2_100],
      ],
    ],
    [
      "cost less than the tier behind",
      [
        [20, 2_100],
        [10, 2_000],
      ],
    ],
  ] as const)("that %s are refused", async (name, tiers) => {
    expect(await publish(`prc_${name.length}`, 3_000, tiers)).toBe("KV004");
  });

  test("and lots stay as they were published and bought", async () => {
    await publish("prc_fixed", 3_000, [[10, 2_000]]);
    const client = await makeClient({ microUsd: 1_000_000n });
    await client.take();
    expect(await databaseAnswer("INSERT INTO price_tier VALUES ('prc_fixed', 20, 1000)")).toBe("KV004");
    expect(await databaseAnswer("UPDATE price_tier SET pico_usd_per_byte = 1 WHERE price_id = 'prc_fixed'")).toBe("KV004");
    expect(await databaseAnswer("DELETE FROM price_tier WHERE price_id = 'prc_fixed'")).toBe("KV004");
    expect(await databaseAnswer("UPDATE wallet_lot SET micro_usd = 1 WHERE client_id = $1", [client.clientId])).toBe("KV004");
    expect(await databaseAnswer("DELETE FROM wallet_lot WHERE client_id = $1", [client.clientId])).toBe("KV004");
  });
});
