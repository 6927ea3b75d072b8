/** The money rule (M12): bill the cumulative total, post the delta. In TypeScript for quotes, in SQL for charges, and the same in both. */
import { dueMicroUsd } from "@karvon/domain";
import { createTestDatabase, openFixtures, type Fixtures, type TestDatabase } from "@karvon/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";

const runs = 20_000;
const figure = { figure: "M12", runs: 0, failures: 0, overflowsRefused: 0, negativesRefused: 0 };

let database: TestDatabase;
let fixtures: Fixtures;
beforeAll(async () => {
  database = await createTestDatabase();
  fixtures = openFixtures(database.url);
});
afterAll(async () => {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
  await fixtures.close();
  await database.drop();
});

const bytesMax = 2n ** 62n;
// Small and large in equal parts: rounding shows in small ones, overflow in large ones.
const amountOf = (max: bigint) => fc.oneof(fc.bigInt(0n, 1_000n), fc.bigInt(0n, 10n ** 12n), fc.bigInt(0n, max));
const price = fc.oneof(fc.bigInt(0n, 10_000n), fc.constantFrom(0n, 1n, 999_999n, 1_000_000n, 1_000_001n));

test("however a total is split over flushes, what is posted sums to what the total owes", () => {
  const splits = fc.array(fc.bigInt(0n, 10n ** 12n), { maxLength: 20 });
  fc.assert(
    fc.property(splits, price, (parts, picoUsdPerByte) => {
      figure.runs += 1;
      let total = 0n;
      let posted = 0n;
      for (const part of parts) {
        total += part;
        const delta = dueMicroUsd(total, picoUsdPerByte) - posted;
        if (delta < 0n) return false;
        posted += delta;
      }
      return posted === (total * picoUsdPerByte) / 1_000_000n;
    }),
    { numRuns: runs },
  );
});

test("the database computes what a quote said, for every size", async () => {
  const samples = fc.sample(fc.tuple(amountOf(bytesMax), amountOf(bytesMax), price), runs);
  const result = await fixtures.pool.query<{ owed: bigint | null; number: bigint }>(
    `SELECT karvon_owed(up, down, price) AS owed, number FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS s (up, down, price, number)
     WHERE (up::numeric + down) * price / 1000000 < 9223372036854775808 ORDER BY number`,
    [0, 1, 2].map((index) => samples.map((sample) => String(sample[index]))),
  );
  const wrong = result.rows.filter(({ owed, number }) => {
    const [up = 0n, down = 0n, picoUsdPerByte = 0n] = samples[Number(number) - 1] ?? [];
    return owed !== dueMicroUsd(up + down, picoUsdPerByte);
  });
  figure.runs += result.rows.length;
  figure.failures += wrong.length;
  expect(wrong).toEqual([]);
  expect(result.rows.length).toBeGreaterThan(runs / 2);
});

test("an amount of 2^63 micro-USD is refused by both, and one less is not", async () => {
  const owed = (up: bigint, picoUsdPerByte: bigint) =>
    fixtures.pool.query<{ owed: bigint }>("SELECT karvon_owed($1, 0, $2) AS owed", [up, picoUsdPerByte]);
  const edges = [
    [2n ** 63n - 1n, 1_000_001n],
    [2n ** 62n, 2_000_000n],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
  ] as const;
  for (const [bytes, picoUsdPerByte] of edges) {
    expect(() => dueMicroUsd(bytes, picoUsdPerByte)).toThrow(RangeError);
    await expect(owed(bytes, picoUsdPerByte)).rejects.toMatchObject({ code: "22003" });
    figure.overflowsRefused += 2;
  }
  const last = 2n ** 63n - 1n;
  expect(dueMicroUsd(last, 1_000_000n)).toBe(last);
  expect((await owed(last, 1_000_000n)).rows).toEqual([{ owed: last }]);
});

test("negative bytes and prices, and what is no whole number, are refused", async () => {
  expect(() => dueMicroUsd(-1n, 3_000n)).toThrow(RangeError);
  expect(() => dueMicroUsd(1n, -3_000n)).toThrow(RangeError);
  expect(() => dueMicroUsd(Number.NaN as never, 3_000n)).toThrow(TypeError);
  expect(() => dueMicroUsd(1.5 as never, 3_000n)).toThrow(TypeError);
  const prices = "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte)";
  await expect(fixtures.pool.query(`${prices} VALUES ('prc_x', 'x', -1, 0)`)).rejects.toMatchObject({ code: "23514" });
  await expect(fixtures.pool.query(`${prices} VALUES ('prc_x', 'x', 1, -1)`)).rejects.toMatchObject({ code: "23514" });
  await expect(fixtures.pool.query(`${prices} VALUES ('prc_x', 'x', 'NaN', 0)`)).rejects.toMatchObject({ code: "22P02" });
  figure.negativesRefused += 7;
});
