import { afterEach, beforeEach, expect, test } from "vitest";
import { openUsageWorld, type UsageWorld } from "./testing/usage-world.ts";

let world: UsageWorld;
beforeEach(async () => {
  world = await openUsageWorld();
});
afterEach(() => world.close());

async function write(action: string): Promise<void> {
  await world.fixtures.pool.query(
    "INSERT INTO audit_log (actor_id, actor_role, action, subject_id, reason, detail, ip_address) VALUES ('usr_a', 'admin', $1, 'nod_b', 'because', '{\"a\": 1}', '::1')",
    [action],
  );
}

async function verify(): Promise<unknown> {
  const result = await world.fixtures.pool.query("SELECT rows, ok, first_bad_seq FROM audit_verify()");
  return result.rows[0];
}

test("an empty log is good", async () => {
  expect(await verify()).toEqual({ rows: 0n, ok: true, first_bad_seq: null });
});

test("forty writers at once make one chain without forks or gaps", async () => {
  await Promise.all(Array.from({ length: 40 }, (_, index) => write(`test.${index}`)));
  expect(await verify()).toEqual({ rows: 40n, ok: true, first_bad_seq: null });
  const found = await world.fixtures.pool.query("SELECT min(seq), max(seq), count(DISTINCT previous_hash) AS links FROM audit_log");
  expect(found.rows).toEqual([{ min: 1n, max: 40n, links: 40n }]);
});

test("a row that was rolled back leaves no gap", async () => {
  await write("test.a");
  await expect(
    world.fixtures.pool.query("INSERT INTO audit_log (actor_id, actor_role, action) VALUES ('x', 'admin', 'y'), ('x', 'admin', NULL)"),
  ).rejects.toThrow();
  await write("test.b");
  expect(await verify()).toEqual({ rows: 2n, ok: true, first_bad_seq: null });
});

test("nobody chooses the number, the time or the hash of a row", async () => {
  await world.fixtures.pool.query(
    "INSERT INTO audit_log (seq, at, actor_id, actor_role, action, previous_hash, hash) VALUES (99, '2001-01-01', 'x', 'admin', 'y', 'a', 'b')",
  );
  const found = await world.fixtures.pool.query("SELECT seq, at > now() - interval '1 hour' AS is_now FROM audit_log");
  expect(found.rows).toEqual([{ seq: 1n, is_now: true }]);
  expect(await verify()).toMatchObject({ ok: true });
});

test.each([
  ["a changed word", "UPDATE audit_log SET reason = 'other' WHERE seq = 3", 3n],
  ["a changed detail", `UPDATE audit_log SET detail = '{"a": 2}' WHERE seq = 3`, 3n],
  ["a changed time", "UPDATE audit_log SET at = at + interval '1 ms' WHERE seq = 3", 3n],
  ["a missing row", "DELETE FROM audit_log WHERE seq = 3", 4n],
  ["a missing first row", "DELETE FROM audit_log WHERE seq = 1", 2n],
  [
    "a row forged with a hash of its own",
    "UPDATE audit_log AS l SET actor_id = 'usr_b'; UPDATE audit_log AS l SET hash = karvon_audit_hash(previous_hash, l) WHERE seq = 3",
    1n,
  ],
])("verification names the row after %s", async (_name, text, firstBad) => {
  for (const name of ["a", "b", "c", "d", "e"]) await write(`test.${name}`);
  const client = await world.fixtures.pool.connect();
  try {
    await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${text}; COMMIT`);
  } finally {
    client.release();
  }
  expect(await verify()).toMatchObject({ ok: false, first_bad_seq: firstBad });
});

test("the time zone of whoever asks does not matter", async () => {
  await write("test.a");
  const client = await world.fixtures.pool.connect();
  try {
    await client.query("SET timezone = 'Asia/Tashkent'");
    const found = await client.query("SELECT ok FROM audit_verify()");
    expect(found.rows).toEqual([{ ok: true }]);
  } finally {
    client.release(true);
  }
});
