import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
  await world.fixtures.pool.query(`BEGIN; ${version}; ${rates}; COMMIT`);
});
afterAll(() => world.close());

const version =
  "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, valid_from) VALUES ('prc_v2', 'Next', 3000, 1000, '2026-01-01Z')";
const rateOf = (id: string, place: string, operator: number, client = 3_000) =>
  `INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, valid_from, is_listed, base_id, country, connection_type)
   VALUES ('${id}', 'Rate', ${client}, ${operator}, '2026-01-01Z', false, 'prc_v2', ${place})`;
const rates = [
  rateOf("prc_both", "'DE', 'mobile'", 2_000),
  rateOf("prc_de", "'DE', NULL", 1_500),
  rateOf("prc_mobile", "NULL, 'mobile'", 1_200),
].join("; ");

describe("a session earns by the rate of its exit", () => {
  test.each([
    ["the country and the connection", "DE", "mobile", "prc_both", 2_000n],
    ["the country alone", "DE", "wifi", "prc_de", 1_500n],
    ["the connection alone", "FR", "mobile", "prc_mobile", 1_200n],
    ["neither", "FR", "wifi", "prc_v2", 1_000n],
    ["a place that nobody knows", null, null, "prc_v2", 1_000n],
  ])("%s", async (_name, exitCountry, connectionType, priceId, earned) => {
    const facts = world.makeFacts({ priceId: "prc_v2", exitCountry, connectionType });
    const seq = (await world.fixtures.pool.query<{ seq: bigint }>("SELECT seq FROM gateway")).rows[0]?.seq ?? 0n;
    await world.db.recordUsage(world.makeBatch(Number(seq) + 1, [counterOf(facts, 400_000, 600_000)], [facts]));
    const found = await world.fixtures.pool.query(
      "SELECT price_id, due_micro_usd AS due, earned_micro_usd AS earned FROM proxy_session WHERE id = $1",
      [facts.id],
    );
    expect(found.rows).toEqual([{ price_id: priceId, due: 3_000n, earned }]);
    expect(await world.readFaults()).toEqual({});
  });
});

test("sessions of a version without rates keep its price", async () => {
  const facts = world.makeFacts({ exitCountry: "DE", connectionType: "mobile" });
  await world.db.recordUsage(world.makeBatch(6, [counterOf(facts, 1_000_000, 0)], [facts]));
  const found = await world.fixtures.pool.query("SELECT price_id FROM proxy_session WHERE id = $1", [facts.id]);
  expect(found.rows).toEqual([{ price_id: world.fixtures.priceId }]);
});

test.each([
  ["a rate after its version was published", "KV004", rateOf("prc_x", "'FR', NULL", 1)],
  ["another operator price in a rate", "KV004", "UPDATE price SET operator_pico_usd_per_byte = 1 WHERE id = 'prc_de'"],
  ["another country in a rate", "KV004", "UPDATE price SET country = 'FR' WHERE id = 'prc_de'"],
  ["a rate on the list", "23514", "UPDATE price SET is_listed = true WHERE id = 'prc_de'"],
  [
    "a country without a version",
    "23514",
    "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, country) VALUES ('prc_x', 'x', 1, 1, 'DE')",
  ],
])("the database refuses %s", async (_name, code, text) => {
  await expect(world.fixtures.pool.query(text)).rejects.toMatchObject({ code });
});

test.each([
  ["two rates for one pair", "23505", [rateOf("prc_a", "'DE', NULL", 1), rateOf("prc_b", "'DE', NULL", 2)]],
  ["a rate that clients pay otherwise", "KV004", [rateOf("prc_a", "'DE', NULL", 1, 5_000)]],
  ["a rate for everything", "23514", [rateOf("prc_a", "NULL, NULL", 1)]],
  ["a rate above what clients pay", "23514", [rateOf("prc_a", "'DE', NULL", 3_001)]],
])("a version is not published with %s", async (_name, code, texts) => {
  const client = await world.fixtures.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(version.replaceAll("prc_v2", "prc_v3"));
    const run = async () => {
      for (const text of texts) await client.query(text.replaceAll("prc_v2", "prc_v3"));
    };
    await expect(run()).rejects.toMatchObject({ code });
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});
