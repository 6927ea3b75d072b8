import { recordBatch, UsageRefusedError, type SessionFacts } from "@karvon/billing";
import { beforeEach, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, type UsageWorld } from "../testing/usage-world.ts";

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
  return () => world.close();
});

async function read(text: string): Promise<Record<string, unknown>[]> {
  return (await world.fixtures.pool.query<Record<string, unknown>>(text)).rows;
}

const letters = () => read("SELECT session_id, sqlstate, posted_at IS NOT NULL AS is_posted FROM usage_dead_letter ORDER BY id");

interface Poisoned {
  readonly good: readonly SessionFacts[];
  readonly bad: readonly SessionFacts[];
}

/** Forty sessions, three of which the database can never take: an unknown price, a broken rule, a number that is too large. */
function poison(): Poisoned & { readonly batch: ReturnType<UsageWorld["makeBatch"]> } {
  const bad = [
    world.makeFacts({ priceId: "prc_mended" }),
    world.makeFacts({ failedAttempts: -1 }),
    world.makeFacts({ targetPort: 2 ** 40 }),
  ];
  const good = Array.from({ length: 37 }, () => world.makeFacts());
  const all = [...good.slice(0, 5), ...bad.slice(0, 2), ...good.slice(5), ...bad.slice(2)];
  return {
    good,
    bad,
    batch: world.makeBatch(
      1,
      all.map((facts) => counterOf(facts, 1_000, 0)),
      all,
    ),
  };
}

describe("a report with sessions that the database refuses for good", () => {
  test("is refused whole, then posted without them; they are kept with the reason, and the reports behind it go on", async () => {
    const { good, bad, batch } = poison();
    await expect(world.db.recordUsage(batch)).rejects.toBeInstanceOf(UsageRefusedError);
    const receipt = await recordBatch(world.db, batch);
    const ids = bad.map(({ id }) => id);
    expect(receipt).toMatchObject({ postedBytes: 37_000n, duplicate: false, unknownSessionIds: [], deadSessionIds: ids });
    expect(receipt.balances.at(-1)).toEqual({ clientId: world.clientId, balanceBytes: -37_000n });
    expect(await letters()).toEqual([
      { session_id: ids[0], sqlstate: "23503", is_posted: false },
      { session_id: ids[1], sqlstate: "23514", is_posted: false },
      { session_id: ids[2], sqlstate: "22003", is_posted: false },
    ]);
    await recordBatch(
      world.db,
      world.makeBatch(
        2,
        good.map((facts) => counterOf(facts, 2_000, 0)),
      ),
    );
    expect(await world.readBalances()).toMatchObject({ client_bytes: -74_000n });
    // Nothing else is wrong: numbers without gaps, a whole chain, sums that agree. What is not charged shows.
    expect(await world.readFaults()).toEqual({ C3: 3 });
  });

  test("is posted once, whichever answers are lost: sent again in both ways it changes nothing", async () => {
    const { batch } = poison();
    await recordBatch(world.db, batch);
    const before = [await world.readBalances(), await letters()];
    expect(await world.db.recordUsage(batch)).toMatchObject({ duplicate: true, postedBytes: 0n });
    expect(await world.db.recordApart(batch)).toMatchObject({ duplicate: true, postedBytes: 0n, deadSessionIds: [] });
    expect([await world.readBalances(), await letters()]).toEqual(before);
  });

  test("is posted once when many copies come at the same moment", async () => {
    const { batch } = poison();
    const receipts = await Promise.all(Array.from({ length: 6 }, () => world.db.recordApart(batch)));
    expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(await letters()).toHaveLength(3);
    expect(await world.readBalances()).toMatchObject({ client_bytes: -37_000n });
  });

  test("leaves no trace when the connection breaks half-way, and goes in afterwards", async () => {
    const { batch } = poison();
    const breakAtSecondLetter = `CREATE FUNCTION break_connection() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM usage_dead_letter) = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$;
      CREATE TRIGGER break_connection BEFORE INSERT ON usage_dead_letter FOR EACH ROW EXECUTE FUNCTION break_connection()`;
    await world.fixtures.pool.query(breakAtSecondLetter);
    await expect(recordBatch(world.db, batch)).rejects.toThrow();
    expect(
      await read(
        "SELECT (SELECT count(*) FROM usage_batch) + (SELECT count(*) FROM proxy_session) + (SELECT count(*) FROM ledger_tx) + (SELECT count(*) FROM usage_dead_letter) AS rows",
      ),
    ).toEqual([{ rows: 0n }]);
    await world.fixtures.pool.query("DROP TRIGGER break_connection ON usage_dead_letter");
    expect(await recordBatch(world.db, batch)).toMatchObject({ postedBytes: 37_000n, duplicate: false });
    expect(await letters()).toHaveLength(3);
  });

  test("may hold nothing else", async () => {
    const all = Array.from({ length: 9 }, () => world.makeFacts({ priceId: "prc_none" }));
    const batch = world.makeBatch(
      1,
      all.map((facts) => counterOf(facts, 1_000, 0)),
      all,
    );
    expect(await recordBatch(world.db, batch)).toMatchObject({ postedBytes: 0n, balances: [] });
    expect(await letters()).toHaveLength(9);
    const good = world.makeFacts();
    expect(await recordBatch(world.db, world.makeBatch(2, [counterOf(good, 5, 0)], [good]))).toMatchObject({ postedBytes: 5n });
    expect(await world.readFaults()).toEqual({ C3: 9 });
  });
});

describe("a dead letter", () => {
  test("is posted once after its reason is mended, and then nothing is wrong any more", async () => {
    const facts = world.makeFacts({ priceId: "prc_mended" });
    await recordBatch(world.db, world.makeBatch(1, [counterOf(facts, 1_000_000, 0)], [facts]));
    const post = "SELECT usage_dead_letter_post(id) AS is_posted FROM usage_dead_letter";
    await expect(world.fixtures.pool.query(post)).rejects.toMatchObject({ code: "23503" });
    await world.fixtures.pool.query(
      "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, is_listed) VALUES ('prc_mended', 'Mended', 3000, 1800, false)",
    );
    expect(await read(post)).toEqual([{ is_posted: true }]);
    expect(await read(post)).toEqual([{ is_posted: false }]);
    expect(await world.readBalances()).toMatchObject({ client_bytes: -1_000_000n, client_usd: -3_000n, operator_payable: 1_800n });
    expect(await world.readFaults()).toEqual({});
  });

  test.each([
    "DELETE FROM usage_dead_letter",
    "TRUNCATE usage_dead_letter",
    "UPDATE usage_dead_letter SET message = 'nothing'",
    "UPDATE usage_dead_letter SET report = '{}', posted_at = now()",
  ])("is evidence: the database refuses %s", async (text) => {
    const facts = world.makeFacts({ priceId: "prc_none" });
    await recordBatch(world.db, world.makeBatch(1, [counterOf(facts, 1, 0)], [facts]));
    await expect(world.fixtures.pool.query(text)).rejects.toMatchObject({ code: "KV004" });
  });
});
