/** What the database refuses whoever asks: as its owner, and as a role that was given every right but ownership (M13). */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCorrections } from "./testing/correction-world.ts";
import { makePayouts, type Attempt } from "./testing/payout-world.ts";
import { counterOf, openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
let asApp: pg.Client;
/** Of payouts and corrections: their texts hold the ids of rows, so they are known when those are. */
let payoutAttempts: readonly Attempt[];
let correctionAttempts: readonly Attempt[];
beforeAll(async () => {
  world = await openUsageWorld();
  const facts = world.makeFacts();
  await world.fixtures.credit(world.clientId, 1_000n);
  await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 400, 600)], [facts]));
  await fillPartitions();
  await world.fixtures.pool.query("UPDATE node_key SET session_seq = 5");
  await world.fixtures.pool.query(
    `SELECT ledger_post('rules:key', 'correction', 'x', sha256('one'), '[{"kind": "promotion", "amount": -1}, {"kind": "write_off", "amount": 1}]')`,
  );
  await world.fixtures.pool.query("INSERT INTO audit_log (actor_id, actor_role, action) VALUES ('usr_x', 'admin', 'test.write')");
  payoutAttempts = await makePayouts(world.fixtures);
  correctionAttempts = await makeCorrections(world.fixtures);
  asApp = new pg.Client({ connectionString: world.url });
  await asApp.connect();
  const role = `app_${process.pid}_${Date.now()}`;
  await asApp.query(
    `CREATE ROLE ${role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${role}; SET ROLE ${role}`,
  );
  return async () => {
    await asApp.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await asApp.end();
    await world.close();
  };
});

/** Accounts of new clients until every partition of the entries has one: hashing decides which. */
async function fillPartitions(): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await world.fixtures.pool.query<{ filled: bigint }>("SELECT count(DISTINCT tableoid) AS filled FROM ledger_entry");
    if (found.rows[0]?.filled === 8n) return;
    await world.fixtures.credit((await world.fixtures.makeClient()).clientId, 1_000n);
  }
  throw new Error("some partition stays empty");
}

async function refusalOf(run: (text: string) => Promise<unknown>, text: string): Promise<string> {
  try {
    await run(text);
  } catch (cause) {
    if (cause instanceof pg.DatabaseError) return cause.code ?? "no code";
    throw cause;
  }
  return "allowed";
}

const changed = "KV004";
const unbalanced = "KV005";
const outOfRange = "23514";
const partitions = Array.from({ length: 8 }, (_, index) => `ledger_entry_p${index}`);

/** Each with the SQL state of its refusal. */
const attempts: readonly Attempt[] = [
  ["update of an entry", changed, "UPDATE ledger_entry SET amount = amount + 1"],
  ["update of an entry back to the same value", changed, "UPDATE ledger_entry SET created_at = created_at"],
  ["delete of an entry", changed, "DELETE FROM ledger_entry WHERE amount > 0"],
  ["truncate of entries", changed, "TRUNCATE ledger_entry"],
  ...partitions.map((part) => [`truncate of ${part}`, changed, `TRUNCATE ${part}`] as const),
  ...partitions.flatMap((part): Attempt[] => [
    // Every partition has rows or refuses nothing: a row trigger needs a row.
    [`update of ${part}`, changed, `UPDATE ${part} SET amount = amount + 1`],
    [`delete of ${part}`, changed, `DELETE FROM ${part}`],
  ]),
  ["update of a transaction", changed, "UPDATE ledger_tx SET actor = 'nobody'"],
  ["delete of a transaction", changed, "DELETE FROM ledger_tx"],
  ["truncate of transactions", changed, "TRUNCATE ledger_tx CASCADE"],
  ["a bare change of a balance", changed, "UPDATE ledger_account SET posted = posted + 1 WHERE kind = 'client_bytes'"],
  ["another owner for an account", changed, "UPDATE ledger_account SET owner_id = 'cli_other' WHERE kind = 'client_bytes'"],
  ["delete of an account", changed, "DELETE FROM ledger_account WHERE kind = 'promotion'"],
  ["update of a sealed batch", changed, "UPDATE usage_batch SET bytes = bytes + 1"],
  ["unsealing a batch", changed, "UPDATE usage_batch SET hash = NULL"],
  ["delete of a batch", changed, "DELETE FROM usage_batch"],
  ["truncate of batches", changed, "TRUNCATE usage_batch"],
  ["update of an audit row", changed, "UPDATE audit_log SET reason = 'other'"],
  ["delete of an audit row", changed, "DELETE FROM audit_log"],
  ["truncate of the audit log", changed, "TRUNCATE audit_log"],
  ["another amount in a price", changed, "UPDATE price SET pico_usd_per_byte = 1"],
  ["delete of a price", changed, "DELETE FROM price"],
  ["fewer bytes of a session", changed, "UPDATE proxy_session SET up_bytes = up_bytes - 1"],
  ["fewer bytes down of a session", changed, "UPDATE proxy_session SET down_bytes = down_bytes - 1"],
  ["less earned of a session", changed, "UPDATE proxy_session SET earned_micro_usd = earned_micro_usd - 1"],
  ["a lower session number of a key", changed, "UPDATE node_key SET session_seq = session_seq - 1"],
  ["less due of a session", changed, "UPDATE proxy_session SET due_micro_usd = 0, earned_micro_usd = 0"],
  [
    "an unbalanced transaction",
    unbalanced,
    `WITH t AS (INSERT INTO ledger_tx (idempotency_key, kind, actor) VALUES ('x1', 'correction', 'x') RETURNING id)
    INSERT INTO ledger_entry (account_id, account_version, tx_id, asset, amount, balance_after) SELECT 1, 1000, id, 'BYTE', 5, 5 FROM t`,
  ],
  [
    "bytes balanced against money",
    unbalanced,
    `WITH t AS (INSERT INTO ledger_tx (idempotency_key, kind, actor) VALUES ('x2', 'correction', 'x') RETURNING id)
    INSERT INTO ledger_entry (account_id, account_version, tx_id, asset, amount, balance_after) SELECT a.id, 1000, t.id, a.asset, a.amount, 0 FROM t, (VALUES (1, 'BYTE'::"LedgerAsset", 5), (17, 'USD6', -5)) AS a (id, asset, amount)`,
  ],
  [
    "a late entry in a committed transaction",
    changed,
    "INSERT INTO ledger_entry (account_id, account_version, tx_id, asset, amount, balance_after) SELECT 1, 1000, min(id), 'BYTE', 5, 5 FROM ledger_tx",
  ],
  [
    "a late entry put into a partition",
    changed,
    `INSERT INTO ledger_entry_p0 (account_id, account_version, tx_id, asset, amount, balance_after)
    SELECT a.id, 1000, t.id, 'BYTE', 5, 5 FROM (SELECT min(id) AS id FROM ledger_tx) AS t, ledger_account AS a WHERE satisfies_hash_partition('ledger_entry'::regclass, 8, 0, a.id) LIMIT 1`,
  ],
  [
    "an entry of zero",
    outOfRange,
    "INSERT INTO ledger_entry (account_id, account_version, tx_id, asset, amount, balance_after) SELECT 1, 1000, min(id), 'BYTE', 0, 0 FROM ledger_tx",
  ],
  [
    "a second state for one version of an account",
    "23505",
    `WITH t AS (INSERT INTO ledger_tx (idempotency_key, kind, actor) VALUES ('x3', 'correction', 'x') RETURNING id)
    INSERT INTO ledger_entry (account_id, account_version, tx_id, asset, amount, balance_after) SELECT e.account_id, e.account_version, t.id, e.asset, 5, 5 FROM t, (SELECT * FROM ledger_entry LIMIT 1) AS e`,
  ],
  [
    "the same transaction key twice",
    "23505",
    "INSERT INTO ledger_tx (idempotency_key, kind, actor) SELECT idempotency_key, kind, actor FROM ledger_tx LIMIT 1",
  ],
  [
    "a key of the ledger with another body",
    "KV001",
    `SELECT ledger_post('rules:key', 'correction', 'x', sha256('two'), '[{"kind": "promotion", "amount": -2}, {"kind": "write_off", "amount": 2}]')`,
  ],
  [
    "a key of the ledger for another purpose",
    "KV001",
    `SELECT ledger_post('rules:key', 'refund', 'x', sha256('one'), '[{"kind": "promotion", "amount": -1}, {"kind": "write_off", "amount": 1}]')`,
  ],
  [
    "usage that no flush reported",
    "22023",
    `SELECT ledger_post('rules:usage', 'usage', 'x', NULL, '[{"kind": "promotion", "amount": -1}, {"kind": "write_off", "amount": 1}]')`,
  ],
  [
    "a report under the name of another one",
    "KV003",
    "SELECT usage_flush(gateway_id, epoch, seq, sampled_at, sha256('other'), '[]', '{}', '{}', '{}', '{}', '{}', '{}') FROM usage_batch",
  ],
  [
    "money in an account of bytes",
    outOfRange,
    "INSERT INTO ledger_account (kind, asset, owner_id) VALUES ('client_bytes', 'USD6', 'cli_new')",
  ],
  [
    "a client account of the network",
    outOfRange,
    "INSERT INTO ledger_account (kind, asset, owner_id) VALUES ('client_usd', 'USD6', 'network')",
  ],
  [
    "negative bytes of a session",
    outOfRange,
    "INSERT INTO proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port, up_bytes) VALUES ('s', now(), 'c', 'p', 'o', 'n', 'g', 'r', 'http', 'h', 80, -1)",
  ],
  [
    "an operator's share above the price",
    outOfRange,
    "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte) VALUES ('prc_x', 'x', 10, 11)",
  ],
  ["an upper-case e-mail address", outOfRange, "INSERT INTO user_account (id, email, role) VALUES ('usr_1', 'Ann@example.com', 'client')"],
  [
    "an admin with a password",
    outOfRange,
    "INSERT INTO user_account (id, email, role, password_hash) VALUES ('usr_1', 'a@example.com', 'admin', 'x')",
  ],
  ["a proxy username with a dash", outOfRange, "UPDATE proxy_user SET username = 'ann-country'"],
  ["a proxy username of three letters", outOfRange, "UPDATE proxy_user SET username = 'ann'"],
  [
    "a country in lower case",
    outOfRange,
    "INSERT INTO node_presence (node_id, last_seen_at, country) SELECT id, now(), 'de' FROM node LIMIT 1",
  ],
  [
    "a grant used beyond its size",
    outOfRange,
    "INSERT INTO quota_grant (account_id, proxy_user_id, gateway_id, epoch, granted, used, expires_at) SELECT 1, u.id, g.id, 1, 10, 11, now() FROM gateway AS g, proxy_user AS u",
  ],
  ["a second control epoch", outOfRange, "INSERT INTO control_epoch (id, epoch) VALUES (2, 0)"],
];

const figure = { figure: "M13", attempted: 0, refused: 0, asOwner: 0, asAppRole: 0 };
// The one line that tools read; the test below fails when the two differ.
afterAll(() => process.stdout.write(`${JSON.stringify(figure)}\n`));

async function expectRefusal(
  who: "asOwner" | "asAppRole",
  run: (text: string) => Promise<unknown>,
  [name, state, text]: Attempt,
): Promise<void> {
  figure.attempted += 1;
  const refusal = await refusalOf(run, text);
  if (refusal !== "allowed") {
    figure.refused += 1;
    figure[who] += 1;
  }
  expect(refusal, name).toBe(state);
}

describe.each([
  ["the owner", "asOwner", (text: string) => world.fixtures.pool.query(text)],
  ["an application role", "asAppRole", (text: string) => asApp.query(text)],
] as const)("%s", (_name, who, run) => {
  test.each(attempts)("is refused: %s", (...attempt) => expectRefusal(who, run, attempt));

  test("is refused every forbidden step of a payout", async () => {
    expect(payoutAttempts.length).toBeGreaterThan(40);
    for (const attempt of payoutAttempts) await expectRefusal(who, run, attempt);
  });

  test("is refused every forbidden step of a correction", async () => {
    expect(correctionAttempts.length).toBeGreaterThan(20);
    for (const attempt of correctionAttempts) await expectRefusal(who, run, attempt);
  });
});

test("all of it was refused, to both", () => {
  expect(figure.refused).toBe(figure.attempted);
  expect(figure.asOwner).toBe(figure.asAppRole);
});

test("nothing of what was refused left a trace", async () => {
  expect(await world.readFaults()).toEqual({});
});

test("a price may still be taken off the list, and a session may still end", async () => {
  await world.fixtures.pool.query("UPDATE price SET is_listed = false");
  await world.fixtures.pool.query("UPDATE proxy_session SET closed_at = now(), close_reason = 'test'");
  await world.fixtures.pool.query("UPDATE price SET is_listed = true");
});

test("entries written inside a savepoint count as written in time", async () => {
  const client = await world.fixtures.pool.connect();
  try {
    await client.query("BEGIN; SAVEPOINT a");
    await client.query(
      `SELECT ledger_post('savepoint', 'correction', 'x', NULL, '[{"kind":"promotion","amount":"-5"},{"kind":"write_off","amount":"5"}]')`,
    );
    await client.query("RELEASE a; COMMIT");
  } finally {
    client.release();
  }
  expect(await world.readFaults()).toEqual({});
});
