import { dueMicroUsd } from "@karvon/domain";
import { createFakeClock } from "@karvon/testkit";
import { startFlusher, type UsageBatch } from "@karvon/billing";
import { beforeEach, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, sampledAtMs, type UsageWorld } from "../testing/usage-world.ts";
import { openGatewayDatabase } from "./index.ts";

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
  return () => world.close();
});

/** A repeatable sequence of numbers in [0, 1): a failing run prints nothing that a rerun would not. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function readRow(text: string): Promise<Record<string, unknown> | undefined> {
  const result = await world.fixtures.pool.query<Record<string, unknown>>(text);
  return result.rows[0];
}

describe("one report", () => {
  test("charges the client, credits the operator and keeps the fee, to the byte and the micro-dollar", async () => {
    await world.fixtures.credit(world.clientId, 5_000_000_000n);
    const facts = world.makeFacts();
    const receipt = await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 2_000_000, 10_000_001)], [facts]));
    expect(receipt).toEqual({
      balances: [{ clientId: world.clientId, balanceBytes: 4_987_999_999n }],
      postedBytes: 12_000_001n,
      duplicate: false,
      unknownSessionIds: [],
    });
    expect(await world.readBalances()).toEqual({
      client_bytes: 4_987_999_999n,
      bytes_carried: 12_000_001n,
      bytes_issued: -5_000_000_000n,
      client_usd: 15_000_000n - 36_000n,
      operator_payable: 21_600n,
      revenue: 14_400n,
      payment_clearing: -15_000_000n,
    });
    expect(await readRow("SELECT * FROM reconcile_totals()")).toEqual({
      measured_bytes: 12_000_001n,
      client_debit_bytes: 12_000_001n,
      client_debit_micro_usd: 36_000n,
      operator_credit_micro_usd: 21_600n,
      fee_micro_usd: 14_400n,
    });
    expect(await readRow("SELECT used_bytes FROM proxy_user")).toEqual({ used_bytes: 12_000_001n });
    expect(await readRow("SELECT hour, up_bytes, down_bytes, due_micro_usd, earned_micro_usd FROM usage_hour")).toEqual({
      hour: new Date("2026-05-05T10:00:00Z"),
      up_bytes: 2_000_000n,
      down_bytes: 10_000_001n,
      due_micro_usd: 36_000n,
      earned_micro_usd: 21_600n,
    });
    expect(await world.readFaults()).toEqual({});
  });

  test("stores what a session was, and how it ended", async () => {
    const facts = world.makeFacts({ targetHost: "a\u0000b\ud800.example", exitCountry: "de", tag: "shop" });
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 1, 2)], [facts]));
    await world.db.recordUsage(world.makeBatch(2, [counterOf(facts, 1, 2, { atMs: sampledAtMs + 5, reason: "client_closed" })]));
    await world.db.recordUsage(world.makeBatch(3, [counterOf(facts, 1, 2, { atMs: sampledAtMs + 99, reason: "late" })]));
    expect(
      await readRow("SELECT target_host, exit_country, tag, close_reason, closed_at, up_bytes, down_bytes, exit_asn FROM proxy_session"),
    ).toEqual({
      target_host: "a\u{FFFD}b\u{FFFD}.example",
      exit_country: null,
      tag: "shop",
      close_reason: "client_closed",
      closed_at: new Date(sampledAtMs + 5),
      up_bytes: 1n,
      down_bytes: 2n,
      exit_asn: 3320n,
    });
  });

  test("stores whether a password was checked and how many nodes were tried before", async () => {
    const [first, second] = [world.makeFacts({ hasPassword: true, failedAttempts: 2 }), world.makeFacts({ hasPassword: false })];
    await world.db.recordUsage(world.makeBatch(1, [counterOf(first, 1, 1), counterOf(second, 1, 1)], [first, second]));
    const { rows } = await world.fixtures.pool.query("SELECT has_password, failed_attempts FROM proxy_session ORDER BY has_password");
    expect(rows).toEqual([
      { has_password: false, failed_attempts: 0 },
      { has_password: true, failed_attempts: 2 },
    ]);
  });

  test("is all or nothing: a session whose price does not exist leaves no trace, and the mended report goes in", async () => {
    const good = world.makeFacts();
    const bad = world.makeFacts({ priceId: "prc_none" });
    const counters = [counterOf(good, 10, 0), counterOf(bad, 10, 0)];
    await expect(world.db.recordUsage(world.makeBatch(1, counters, [good, bad]))).rejects.toThrow("names a price that does not exist");
    expect(
      await readRow(
        "SELECT (SELECT count(*) FROM usage_batch) + (SELECT count(*) FROM proxy_session) + (SELECT count(*) FROM ledger_tx) AS rows",
      ),
    ).toEqual({ rows: 0n });
    await world.db.recordUsage(world.makeBatch(1, [counterOf(good, 10, 0)], [good]));
    expect(await world.readFaults()).toEqual({});
  });

  test("names the sessions that nobody opened and charges them once their facts come", async () => {
    const facts = world.makeFacts();
    const first = await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 500, 0)]));
    expect(first).toMatchObject({ postedBytes: 0n, unknownSessionIds: [facts.id] });
    const second = await world.db.recordUsage(world.makeBatch(2, [counterOf(facts, 700, 0)], [facts]));
    expect(second).toMatchObject({ postedBytes: 700n, unknownSessionIds: [] });
  });

  test("leaves out a counter that is not a byte count and charges the others", async () => {
    const [broken, good] = [world.makeFacts(), world.makeFacts()];
    const receipt = await world.db.recordUsage(
      world.makeBatch(1, [counterOf(broken, Number.NaN, 1), counterOf(good, 3, 4)], [broken, good]),
    );
    expect(receipt.postedBytes).toBe(7n);
    expect(world.errors).toHaveLength(1);
  });

  test("drives an account below zero instead of refusing, and marks it overdrawn until it is topped up", async () => {
    await world.fixtures.credit(world.clientId, 100n, 1n);
    const facts = world.makeFacts();
    const receipt = await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 1_000_000, 0)], [facts]));
    expect(receipt.balances).toEqual([{ clientId: world.clientId, balanceBytes: -999_900n }]);
    const overdrawn = "SELECT is_overdrawn FROM ledger_account WHERE kind = 'client_bytes'";
    expect(await readRow(overdrawn)).toEqual({ is_overdrawn: true });
    await world.fixtures.credit(world.clientId, 2_000_000n);
    expect(await readRow(overdrawn)).toEqual({ is_overdrawn: false });
    expect(await world.readFaults()).toEqual({});
  });

  test("refuses a gateway that never registered", async () => {
    await expect(world.db.recordUsage(world.makeBatch(1, [], [], { gatewayId: "gwy_unknown" }))).rejects.toThrow("is not registered");
  });

  test("gives the bytes of each report to the hour of its snapshot", async () => {
    const facts = world.makeFacts();
    const hour = (text: string) => ({ sampledAtMs: Date.parse(text) });
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 10, 0)], [facts], hour("2026-05-05T10:59:59.999Z")));
    await world.db.recordUsage(world.makeBatch(2, [counterOf(facts, 30, 0)], [], hour("2026-05-05T11:00:00.000Z")));
    const found = await world.fixtures.pool.query(
      "SELECT extract(hour FROM hour AT TIME ZONE 'UTC')::int AS hour, up_bytes FROM usage_hour ORDER BY 1",
    );
    expect(found.rows).toEqual([
      { hour: 10, up_bytes: 10n },
      { hour: 11, up_bytes: 20n },
    ]);
  });
});

describe("reports on a bad network", () => {
  test("changes nothing when the same report comes again", async () => {
    const facts = world.makeFacts();
    const batch = world.makeBatch(1, [counterOf(facts, 1_000, 2_000)], [facts]);
    await world.db.recordUsage(batch);
    const before = await world.readBalances();
    for (let time = 0; time < 3; time += 1) {
      expect(await world.db.recordUsage(batch)).toEqual({ balances: [], postedBytes: 0n, duplicate: true, unknownSessionIds: [] });
    }
    expect(await world.readBalances()).toEqual(before);
    expect(await readRow("SELECT count(*) AS entries FROM ledger_entry")).toEqual({ entries: 5n });
  });

  test("refuses another content under a known name", async () => {
    const facts = world.makeFacts();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 1, 0)], [facts]));
    await expect(world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 2, 0)], [facts]))).rejects.toThrow("USAGE_CONFLICT");
  });

  test("posts one of eight copies that arrive at the same moment", async () => {
    const facts = world.makeFacts();
    const batch = world.makeBatch(1, [counterOf(facts, 1_000, 0)], [facts]);
    const receipts = await Promise.all(Array.from({ length: 8 }, () => world.db.recordUsage(batch)));
    expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(await world.readBalances()).toMatchObject({ client_bytes: -1_000n });
  });

  test("chains different reports of one gateway that arrive at the same moment without a fork", async () => {
    const facts = Array.from({ length: 12 }, () => world.makeFacts());
    await Promise.all(facts.map((each, index) => world.db.recordUsage(world.makeBatch(index + 1, [counterOf(each, 100, 0)], [each]))));
    expect(await world.readFaults()).toEqual({});
  });

  test("ends with the same ledger when reports come twice, late and in any order", async () => {
    const random = seededRandom(20_261_123);
    const sessions = Array.from({ length: 6 }, () => ({ facts: world.makeFacts(), up: 0, down: 0 }));
    const batches: UsageBatch[] = [];
    for (let seq = 1; seq <= 20; seq += 1) {
      for (const session of sessions) {
        session.up += Math.floor(random() * 500);
        session.down += Math.floor(random() * 5_000);
      }
      // The facts travel with every report here: with any order, each report may be the first to arrive.
      batches.push(
        world.makeBatch(
          seq,
          sessions.map(({ facts, up, down }) => counterOf(facts, up, down)),
          sessions.map(({ facts }) => facts),
        ),
      );
    }
    const arrivals = [...batches, ...batches, ...batches].map((batch) => ({ batch, at: random() })).toSorted((a, b) => a.at - b.at);
    for (const { batch } of arrivals) await world.db.recordUsage(batch);
    const totals = sessions.map(({ up, down }) => BigInt(up + down));
    const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n);
    const balances = await world.readBalances();
    expect(balances["client_bytes"]).toBe(-sum(totals));
    expect(balances["client_usd"]).toBe(-sum(totals.map((total) => dueMicroUsd(total, 3_000n))));
    expect(balances["operator_payable"]).toBe(sum(totals.map((total) => dueMicroUsd(total, 1_800n))));
    expect(await world.readFaults()).toEqual({});
  });

  test("charges a trickle of odd bytes in full, however small the reports are", async () => {
    const facts = world.makeFacts();
    for (let seq = 1; seq <= 100; seq += 1)
      await world.db.recordUsage(world.makeBatch(seq, [counterOf(facts, seq * 111, seq * 222)], [facts]));
    expect(await readRow("SELECT due_micro_usd, earned_micro_usd FROM proxy_session")).toEqual({
      due_micro_usd: 99n,
      earned_micro_usd: 59n,
    });
    expect(await world.readFaults()).toEqual({});
  });

  test("posts a total beyond 2^53 / price exactly", async () => {
    const facts = world.makeFacts();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, Number.MAX_SAFE_INTEGER, 0)], [facts]));
    expect(await readRow("SELECT due_micro_usd FROM proxy_session")).toEqual({
      due_micro_usd: dueMicroUsd(BigInt(Number.MAX_SAFE_INTEGER), 3_000n),
    });
  });

  test("still posts the late report of the run before a restart", async () => {
    const facts = world.makeFacts();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 100, 0)], [facts]));
    await world.db.registerGateway({ id: world.gatewayId, epoch: BigInt(sampledAtMs), opsUrl: "http://127.0.0.1:1" });
    const other = world.makeFacts();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(other, 10, 0)], [other], { epoch: BigInt(sampledAtMs) }));
    await world.db.recordUsage(world.makeBatch(2, [counterOf(facts, 150, 0)]));
    expect(await world.readBalances()).toMatchObject({ client_bytes: -160n });
    expect(await world.readFaults()).toEqual({});
  });

  test("a flusher whose connections break at every third report charges each byte once", async () => {
    const facts = world.makeFacts();
    const clock = createFakeClock(sampledAtMs);
    let total = 0;
    let calls = 0;
    const flusher = startFlusher({
      gatewayId: world.gatewayId,
      epoch: 1n,
      clock,
      intervalMs: 5_000,
      collect: () => ({ opened: total === 0 ? [facts] : [], counters: [counterOf(facts, (total += 1_000), 0)] }),
      ledger: {
        async recordUsage(batch) {
          calls += 1;
          if (calls % 3 === 1) throw new Error("lost before the commit");
          const receipt = await world.db.recordUsage(batch);
          if (calls % 3 === 2) throw new Error("lost after the commit");
          return receipt;
        },
      },
    });
    for (let round = 0; round < 10; round += 1) {
      const flushed = flusher.flushNow();
      while (flusher.lagMs >= 0 && !(await isSettled(flushed))) await clock.advance(1_000);
    }
    expect(await world.readBalances()).toMatchObject({ client_bytes: -10_000n });
    expect(await world.readFaults()).toEqual({});
  });
});

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resume) => setTimeout(resume, 20, "later"));
  return (await Promise.race([promise.then(() => "settled"), later])) === "settled";
}

describe("many at once", () => {
  test("eight gateways with the same clients, operators, nodes and users never block each other in a circle", async () => {
    const people = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { clientId } = await world.fixtures.makeClient();
        const { operatorId } = await world.fixtures.makeOperator();
        return { clientId, operatorId, ...(await world.fixtures.makeProxyUser(clientId)), ...(await world.fixtures.makeNode(operatorId)) };
      }),
    );
    const random = seededRandom(8);
    const gateways = await Promise.all(Array.from({ length: 8 }, () => world.fixtures.makeGateway()));
    const doors = gateways.map(() => openGatewayDatabase({ url: world.url, poolMax: 2, onError: (cause) => world.errors.push(cause) }));
    let sent = 0;
    await Promise.all(
      gateways.map(async (gatewayId, index) => {
        const sessions = Array.from({ length: 40 }, () => {
          // A session of any client over any node: every gateway touches nearly every row that the others touch.
          const buyer = people[Math.floor(random() * people.length)];
          const seller = people[Math.floor(random() * people.length)];
          if (buyer === undefined || seller === undefined) throw new Error("nobody there");
          const { clientId, proxyUserId } = buyer;
          return { facts: world.makeFacts({ clientId, proxyUserId, operatorId: seller.operatorId, nodeId: seller.nodeId }), up: 0 };
        });
        for (let seq = 1; seq <= 15; seq += 1) {
          const counters = sessions.map((session) => {
            const growth = Math.floor(random() * 10_000);
            sent += growth;
            session.up += growth;
            return counterOf(session.facts, session.up, 0);
          });
          const opened = seq === 1 ? sessions.map(({ facts }) => facts) : [];
          await doors[index]?.recordUsage(
            world.makeBatch(
              seq,
              counters.toSorted(() => random() - 0.5),
              opened,
              { gatewayId },
            ),
          );
        }
      }),
    );
    await Promise.all(doors.map((door) => door.close()));
    expect(await readRow("SELECT measured_bytes, client_debit_bytes FROM reconcile_totals()")).toEqual({
      measured_bytes: BigInt(sent),
      client_debit_bytes: BigInt(sent),
    });
    expect(await world.readFaults()).toEqual({});
    expect(world.errors).toEqual([]);
  });

  test("purchases go on while gateways post for the same clients", async () => {
    const facts = world.makeFacts();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 1, 0)], [facts]));
    const flushes = (async () => {
      for (let seq = 2; seq <= 40; seq += 1) await world.db.recordUsage(world.makeBatch(seq, [counterOf(facts, seq, 0)]));
    })();
    await Promise.all([flushes, ...Array.from({ length: 30 }, () => world.fixtures.credit(world.clientId, 1_000n))]);
    expect(await world.readBalances()).toMatchObject({ client_bytes: 30_000n - 40n });
    expect(await world.readFaults()).toEqual({});
  });
});
