import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
afterAll(() => world.close());

interface Entry {
  readonly kind: string;
  readonly ownerId?: string;
  readonly amount: string | number;
  readonly atLeast?: string;
}

interface Posted {
  readonly tx_id: bigint;
  readonly is_new: boolean;
}

function purchase(bytes: number, microUsd: number): Entry[] {
  return [
    { kind: "bytes_issued", amount: -bytes },
    { kind: "client_bytes", ownerId: world.clientId, amount: String(bytes) },
    { kind: "payment_clearing", amount: -microUsd },
    { kind: "client_usd", ownerId: world.clientId, amount: microUsd },
  ];
}

async function post(key: string, entries: readonly Entry[], kind = "top_up"): Promise<Posted | undefined> {
  const body = JSON.stringify(entries);
  const sha256 = createHash("sha256").update(body).digest();
  const result = await world.fixtures.pool.query<Posted>(`SELECT tx_id, is_new FROM ledger_post($1, $2::"LedgerTxKind", 'test', $3, $4)`, [
    key,
    kind,
    sha256,
    body,
  ]);
  return result.rows[0];
}

async function countTransactions(): Promise<bigint | undefined> {
  const result = await world.fixtures.pool.query<{ rows: bigint }>("SELECT count(*) AS rows FROM ledger_tx");
  return result.rows[0]?.rows;
}

describe("ledger_post", () => {
  test("fifty identical requests at the same moment are one transaction, and each hears its number", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => post("pay_1", purchase(5_000_000_000, 15_000_000))));
    expect(answers.filter((answer) => answer?.is_new)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer?.tx_id)).size).toBe(1);
    expect(await countTransactions()).toBe(1n);
    expect(await world.readBalances()).toEqual({
      bytes_issued: -5_000_000_000n,
      client_bytes: 5_000_000_000n,
      payment_clearing: -15_000_000n,
      client_usd: 15_000_000n,
    });
  });

  test("the same key with another amount, or for another purpose, is a conflict and changes nothing", async () => {
    const before = await world.readBalances();
    await expect(post("pay_1", purchase(6_000_000_000, 18_000_000))).rejects.toMatchObject({
      code: "KV001",
      message: expect.stringContaining("IDEMPOTENCY_CONFLICT"),
    });
    await expect(post("pay_1", purchase(5_000_000_000, 15_000_000), "correction")).rejects.toMatchObject({ code: "KV001" });
    expect(await world.readBalances()).toEqual(before);
  });

  test("a request that fails leaves its key free", async () => {
    await expect(post("pay_2", [{ kind: "promotion", amount: 1 }])).rejects.toMatchObject({ code: "KV005" });
    expect(await post("pay_2", purchase(1, 1))).toMatchObject({ is_new: true });
  });

  test.each([
    ["no entries", []],
    ["only zeros", [{ kind: "promotion", amount: 0 }]],
    ["an account kind that does not exist", [{ kind: "gold", amount: 1 }]],
    ["a fraction", [{ kind: "promotion", amount: 0.5 }]],
    [
      "bytes against money",
      [
        { kind: "bytes_issued", amount: -5 },
        { kind: "payment_clearing", amount: 5 },
      ],
    ],
    [
      "a client's account without a client",
      [
        { kind: "client_bytes", amount: 5 },
        { kind: "bytes_issued", amount: -5 },
      ],
    ],
    [
      "more than 64 bits",
      [
        { kind: "promotion", amount: "9223372036854775808" },
        { kind: "write_off", amount: "-9223372036854775808" },
      ],
    ],
  ])("refuses %s", async (_name, entries: readonly Entry[]) => {
    const before = await countTransactions();
    await expect(post(`bad ${_name}`, entries)).rejects.toThrow();
    expect(await countTransactions()).toBe(before);
  });

  test("leaves usage to the flush", async () => {
    await expect(post("pay_3", purchase(1, 1), "usage")).rejects.toThrow("usage is posted by usage_flush only");
  });

  test("never pays out more than is there, however many ask at once", async () => {
    const { operatorId } = await world.fixtures.makeOperator();
    const pay = (key: string, amount: number) =>
      post(
        key,
        [
          { kind: "operator_payable", ownerId: operatorId, amount: -amount, atLeast: "0" },
          { kind: "payout_clearing", amount },
        ],
        "payout",
      );
    await post(
      "earn",
      [
        { kind: "promotion", amount: -1_000 },
        { kind: "operator_payable", ownerId: operatorId, amount: 1_000 },
      ],
      "correction",
    );
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => pay(`payout_${index}`, 300)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [String(outcome.reason)] : []));
    expect(reasons.every((reason) => reason.includes("BALANCE_TOO_LOW"))).toBe(true);
  });

  test("goes on beside the flushes of the same client without blocking in a circle", async () => {
    const facts = world.makeFacts();
    await world.db.recordUsage(world.makeBatch(1, [], [facts]));
    const flushes = (async () => {
      for (let seq = 2; seq <= 30; seq += 1) await world.db.recordUsage(world.makeBatch(seq, [counterOf(facts, seq * 1_000, 0)]));
    })();
    await Promise.all([flushes, ...Array.from({ length: 40 }, (_, index) => post(`beside_${index}`, purchase(10, 1)))]);
    const found = await world.fixtures.pool.query("SELECT client_debit_bytes FROM reconcile_totals()");
    expect(found.rows).toEqual([{ client_debit_bytes: 30_000n }]);
    expect(await world.readFaults()).toEqual({});
  });
});
