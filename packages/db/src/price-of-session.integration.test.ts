import { afterAll, beforeAll, expect, test } from "vitest";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
afterAll(() => world.close());

test("a session is charged by the price with which it opened, whatever is published meanwhile", async () => {
  const before = world.makeFacts();
  await world.db.recordUsage(world.makeBatch(1, [counterOf(before, 500_000, 0)], [before]));
  await world.fixtures.pool.query(
    "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte) VALUES ('prc_next', 'Next', 7001, 333)",
  );
  const after = world.makeFacts({ priceId: "prc_next" });
  await world.db.recordUsage(world.makeBatch(2, [counterOf(before, 1_000_001, 0), counterOf(after, 1_000_001, 0)], [after]));
  const rows = await world.fixtures.pool.query(
    "SELECT price_id, due_micro_usd AS due, earned_micro_usd AS earned FROM proxy_session ORDER BY price_id",
  );
  expect(rows.rows).toEqual([
    { price_id: world.fixtures.priceId, due: 3_000n, earned: 1_800n },
    { price_id: "prc_next", due: 7_001n, earned: 333n },
  ]);
  expect(await world.readFaults()).toEqual({});
});
