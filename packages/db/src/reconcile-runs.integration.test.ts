import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { badChecks, perform, plant } from "./testing/plant.ts";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
let seq = 0;
beforeEach(async () => {
  world = await openUsageWorld();
  await world.fixtures.credit(world.clientId, 1_000_000n);
  seq = 0;
  for (let count = 0; count < 3; count += 1) await carry(1_000);
});
afterEach(() => world.close());

/** One more session, closed with so many bytes, in one more report. */
async function carry(bytes: number): Promise<void> {
  seq += 1;
  const facts = world.makeFacts();
  await world.db.recordUsage(world.makeBatch(seq, [counterOf(facts, bytes, seq)], [facts]));
}

const lastSession = "id = (SELECT max(id) FROM proxy_session)";
const lastTx = "tx_id = (SELECT max(id) FROM ledger_tx)";

describe("a run over what changed", () => {
  test("is a full one when there was none before", async () => {
    expect(await perform(world, "recent")).toMatchObject({ scope: "full", asked_by: "test", bad_count: 0 });
    expect(await perform(world, "recent")).toMatchObject({ scope: "recent", bad_count: 0 });
  });

  test.each([
    ["C1", "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'client_usd'"],
    ["C1", "UPDATE ledger_account SET version = version + 1 WHERE kind = 'client_usd'"],
    ["C1", `UPDATE ledger_entry SET balance_after = balance_after + 1 WHERE ${lastTx} AND asset = 'BYTE' AND amount < 0`],
    ["C2", `DELETE FROM ledger_entry WHERE ${lastTx} AND amount > 0 AND asset = 'BYTE'`],
    ["C3", `UPDATE proxy_session SET down_bytes = down_bytes + 1 WHERE ${lastSession}`],
    ["C3", `DELETE FROM proxy_session WHERE ${lastSession}`],
    ["C3", "UPDATE usage_hour SET up_bytes = up_bytes + 1"],
    ["C4", "UPDATE usage_batch SET bytes = bytes + 1 WHERE seq = 4"],
    ["C4", "UPDATE usage_batch SET previous_hash = sha256('x') WHERE seq = 5"],
    ["C4", "DELETE FROM usage_batch WHERE seq = 5"],
    ["C4", "DELETE FROM usage_batch WHERE seq = 4"],
    ["C5", "UPDATE ledger_account SET reserved = reserved + 5 WHERE kind = 'client_bytes'"],
    ["C6", `UPDATE proxy_session SET due_micro_usd = due_micro_usd + 1 WHERE ${lastSession}`],
    ["C6", "UPDATE usage_hour SET earned_micro_usd = earned_micro_usd + 1"],
    ["C7", "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'revenue' AND shard = 3"],
  ])("finds %s broken by: %s", async (check, text) => {
    await perform(world, "full");
    await carry(2_000);
    await carry(3_000);
    await plant(world, text);
    const run = await perform(world, "recent");
    expect(run.scope).toBe("recent");
    expect(badChecks(run)).toContain(check);
  });

  test("begins where the last good run ended, and leaves what did not move to the full one", async () => {
    await perform(world, "full");
    await plant(
      world,
      "UPDATE ledger_entry SET balance_after = balance_after + 1 WHERE account_version = 2 AND asset = 'BYTE' AND amount < 0",
    );
    await carry(2_000);
    expect(badChecks(await perform(world, "recent"))).toEqual([]);
    expect(badChecks(await perform(world, "full"))).toEqual(["C1"]);
  });

  test("does not take what it found wrong for a new beginning", async () => {
    await perform(world, "full");
    await carry(2_000);
    await plant(world, "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'client_usd'");
    expect(badChecks(await perform(world, "recent"))).toContain("C1");
    await carry(2_000);
    expect(badChecks(await perform(world, "recent"))).toContain("C1");
  });

  test("and a full one find nothing after any honest work", async () => {
    const report = fc.record({
      sessions: fc.integer({ min: 1, max: 4 }),
      up: fc.nat(9_999_999),
      down: fc.nat(9_999_999),
      again: fc.boolean(),
    });
    let open: ReturnType<UsageWorld["makeFacts"]>[] = [];
    let total = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(report, { minLength: 1, maxLength: 6 }), fc.bigInt(0n, 10n ** 9n), async (reports, bought) => {
        await world.fixtures.credit(world.clientId, bought + 1n);
        for (const { sessions, up, down, again } of reports) {
          seq += 1;
          total += up + down;
          const opened = Array.from({ length: sessions }, () => world.makeFacts());
          open = [...open.slice(-5), ...opened];
          const batch = world.makeBatch(
            seq,
            open.map((facts) => counterOf(facts, total, down)),
            opened,
          );
          await world.db.recordUsage(batch);
          if (again) await world.db.recordUsage(batch);
        }
        expect(badChecks(await perform(world, "recent"))).toEqual([]);
        expect(await world.readFaults()).toEqual({});
      }),
      { numRuns: 15 },
    );
  });
});

describe("which run is due", () => {
  const due = async (): Promise<unknown> => (await world.fixtures.pool.query("SELECT reconcile_due('5 minutes') AS due")).rows[0];
  const age = (minutes: number): Promise<unknown> =>
    world.fixtures.pool.query("UPDATE reconcile_run SET at = at - make_interval(mins => $1)", [minutes]);

  test("a full one first, none for five minutes, then one over what changed, and a full one every night", async () => {
    expect(await due()).toEqual({ due: "full" });
    await perform(world, "full");
    expect(await due()).toEqual({ due: null });
    await age(6);
    await perform(world, "recent");
    await age(6);
    await world.fixtures.pool.query(
      "UPDATE reconcile_run SET at = date_trunc('day', now() - interval '2 hours', 'UTC') + interval '2 hours' WHERE scope = 'full'",
    );
    expect(await due()).toEqual({ due: "recent" });
    await world.fixtures.pool.query("UPDATE reconcile_run SET at = at - interval '1 ms' WHERE scope = 'full'");
    expect(await due()).toEqual({ due: "full" });
  });

  test.each([
    ["found something", "UPDATE reconcile_run SET bad_count = 1"],
    ["came to no result", "UPDATE reconcile_run SET failure = 'too slow'"],
  ])("a full one as long as the last %s", async (_name, text) => {
    await perform(world, "full");
    await perform(world, "recent");
    await world.fixtures.pool.query(text);
    await age(6);
    expect(await due()).toEqual({ due: "full" });
  });
});

describe("what admins are told", () => {
  const told = async (): Promise<string[]> =>
    (await world.fixtures.pool.query<{ kind: string }>("SELECT kind FROM reconcile_alert ORDER BY id")).rows.map(({ kind }) => kind);
  const move = (table: string, micros: number): Promise<void> =>
    plant(world, `UPDATE ${table} SET due_micro_usd = due_micro_usd + ${micros} WHERE ${table === "usage_hour" ? "true" : lastSession}`);

  test("is a break once, other faults an hour later, and that it has healed", async () => {
    await perform(world, "full");
    expect(await told()).toEqual([]);
    await move("proxy_session", 1);
    await perform(world, "full");
    await perform(world, "full");
    expect(await told()).toEqual(["broken"]);

    await plant(world, "UPDATE ledger_account SET reserved = 5 WHERE kind = 'client_bytes'");
    await perform(world, "full");
    expect(await told()).toEqual(["broken"]);
    await world.fixtures.pool.query("UPDATE reconcile_alert SET at = at - interval '61 minutes'");
    await perform(world, "full");
    await perform(world, "full");
    expect(await told()).toEqual(["broken", "changed"]);

    await plant(world, "UPDATE ledger_account SET reserved = 0 WHERE kind = 'client_bytes'");
    await move("proxy_session", -1);
    await perform(world, "full");
    await perform(world, "full");
    expect(await told()).toEqual(["broken", "changed", "healed"]);
    await move("proxy_session", 1);
    await perform(world, "full");
    expect(await told()).toEqual(["broken", "changed", "healed", "broken"]);
  });
});
