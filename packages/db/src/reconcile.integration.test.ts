import { afterEach, beforeEach, expect, test } from "vitest";
import { plant } from "./testing/plant.ts";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
  await world.fixtures.credit(world.clientId, 1_000_000n);
  const [one, two] = [world.makeFacts(), world.makeFacts()];
  for (let seq = 1; seq <= 4; seq += 1) {
    await world.db.recordUsage(
      world.makeBatch(seq, [counterOf(one, seq * 1_000, seq), counterOf(two, seq * 5_000, 0)], seq === 1 ? [one, two] : []),
    );
  }
});
afterEach(() => world.close());

test("says of each check what it means, how many faults there are, and shows a few of them", async () => {
  await plant(world, "UPDATE proxy_session SET down_bytes = down_bytes + 1000");
  const found = await world.fixtures.pool.query(`SELECT "check", title, bad_count, jsonb_array_length(sample) AS shown FROM reconcile(1)`);
  expect(found.rows).toHaveLength(8);
  expect(found.rows.find(({ check }) => check === "C6")).toEqual({
    check: "C6",
    title: "Sessions, hours and ledger count the same money",
    bad_count: 2,
    shown: 1,
  });
});

test("finds nothing in an honest database", async () => {
  expect(await world.readFaults()).toEqual({});
});

test.each([
  ["C1", "a balance that moved without an entry", "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'client_usd'"],
  ["C1", "a lost version", "UPDATE ledger_account SET version = version + 1 WHERE kind = 'client_usd'"],
  ["C1", "an entry that states another balance", "UPDATE ledger_entry SET balance_after = balance_after + 1 WHERE account_version = 2"],
  [
    "C2",
    "an entry with another amount",
    "UPDATE ledger_entry SET amount = amount + 1, balance_after = balance_after + 1 WHERE tx_id = 2 AND amount > 0 AND asset = 'BYTE'",
  ],
  ["C2", "a missing entry", "DELETE FROM ledger_entry WHERE tx_id = 2 AND amount > 0 AND asset = 'BYTE'"],
  ["C3", "a session that carried more than was charged", "UPDATE proxy_session SET down_bytes = down_bytes + 1"],
  ["C3", "a session that is gone", "DELETE FROM proxy_session WHERE id = (SELECT min(id) FROM proxy_session)"],
  ["C3", "an hour with other bytes", "UPDATE usage_hour SET up_bytes = up_bytes + 1"],
  ["C4", "a missing report", "DELETE FROM usage_batch WHERE seq = 2"],
  ["C4", "a missing last report", "DELETE FROM usage_batch WHERE seq = 4"],
  ["C4", "a report with other bytes", "UPDATE usage_batch SET bytes = bytes + 1 WHERE seq = 3"],
  ["C4", "a report with another payload", "UPDATE usage_batch SET payload_sha256 = sha256('x') WHERE seq = 3"],
  ["C4", "a report from another chain", "UPDATE usage_batch SET previous_hash = sha256('x') WHERE seq = 3"],
  ["C5", "a reservation without a grant", "UPDATE ledger_account SET reserved = 5 WHERE kind = 'client_bytes'"],
  ["C6", "a session that owes another sum", "UPDATE proxy_session SET due_micro_usd = due_micro_usd + 1"],
  ["C6", "an hour with other money", "UPDATE usage_hour SET earned_micro_usd = earned_micro_usd + 1"],
  ["C7", "money from nowhere", "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'revenue' AND shard = 3"],
])("%s finds %s", async (check, _name, text) => {
  await plant(world, text);
  const faults = await world.readFaults();
  expect(Object.keys(faults)).toContain(check);
});

test("C6 works out what a session owes as the flush does, to the last micro-USD of the largest sums", async () => {
  const { rows } = await world.fixtures.pool.query<{ id: string }>(
    "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, is_listed) VALUES ('prc_00000000000000000000000002', 'Dear', 1200001, 0, false) RETURNING id",
  );
  const facts = world.makeFacts({ priceId: rows[0]?.id ?? "" });
  // 10,800,009,000,000,003,600,003 / 1,000,000: the quotient has more digits than a division of numerics keeps.
  await world.db.recordUsage(world.makeBatch(5, [counterOf(facts, 9_000_000_000_000_000, 3)], [facts]));
  expect(await world.readFaults()).toEqual({});
  const recent = await world.fixtures.pool.query("SELECT * FROM reconcile_recent_fault(now())");
  expect(recent.rows).toEqual([]);
});
