import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAlive, PostgresStartError, startPostgres } from "./index.ts";

/** Memory that looks like a disk, where there is one: six clusters are made here. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(parent, "karvon-postgres-"));
});
afterEach(async () => {
  // A test that failed may have left its server running.
  if (existsSync(join(dir, "data", "postmaster.pid")))
    await startPostgres({ dir, database: "x" }).then((server) => server.stop({ evenIfReused: true }));
  rmSync(dir, { recursive: true, force: true });
});

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(text);
    return Object.values(result.rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

describe("startPostgres", () => {
  test("starts, keeps its rows over a stop, and reports the postmaster's own process id", async () => {
    const first = await startPostgres({ dir, database: "one" });
    expect(first.reused).toBe(false);
    expect(readFileSync(join(dir, "data", "postmaster.pid"), "utf8").split("\n")[0]).toBe(String(first.pid));
    await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    const second = await startPostgres({ dir, database: "one" });
    expect(await ask(second.url, "SELECT answer FROM kept")).toBe(42);
    await second.stop();
  });

  test("listens on the loopback address only, asks for the password, and keeps it in a private file", async () => {
    const server = await startPostgres({ dir, database: "one", settings: { max_connections: "17" } });
    expect(
      await ask(
        server.url,
        "SELECT current_setting('listen_addresses') || ' ' || current_setting('max_connections') || ' ' || current_setting('fsync')",
      ),
    ).toBe("127.0.0.1 17 on");
    expect(statSync(join(dir, "password")).mode & 0o777).toBe(0o600);
    const wrong = new URL(server.url);
    wrong.password = "wrong";
    await expect(ask(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
    await server.stop();
  });

  test("uses the server that already runs in the folder and leaves it running when it stops", async () => {
    const first = await startPostgres({ dir, database: "one" });
    const second = await startPostgres({ dir, database: "two" });
    expect(second).toMatchObject({ reused: true, port: first.port, pid: first.pid });
    await second.stop();
    expect(await ask(first.url, "SELECT 1")).toBe(1);
    await second.stop({ evenIfReused: true });
    expect(isAlive(first.pid)).toBe(false);
  });

  test("two starts at the same moment in a new folder share one server", async () => {
    const servers = await Promise.all([startPostgres({ dir, database: "one" }), startPostgres({ dir, database: "one" })]);
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
    await Promise.all(servers.map((server) => server.stop()));
  });

  test("recovers what was committed when the server was killed", async () => {
    const first = await startPostgres({ dir, database: "one" });
    await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    process.kill(first.pid, "SIGKILL");
    const second = await startPostgres({ dir, database: "one" });
    expect(second.reused).toBe(false);
    expect(await ask(second.url, "SELECT answer FROM kept")).toBe(42);
    await second.stop();
  });

  test("says in one sentence what is wrong with the folder", async () => {
    const file = join(dir, "file");
    writeFileSync(file, "");
    await expect(startPostgres({ dir: join(file, "below"), database: "one" })).rejects.toThrow(PostgresStartError);

    const server = await startPostgres({ dir, database: "one" });
    await server.stop();
    chmodSync(join(dir, "data"), 0o755);
    await expect(startPostgres({ dir, database: "one" })).rejects.toThrow(/belongs to another user or is not private/);
    chmodSync(join(dir, "data"), 0o700);
    writeFileSync(join(dir, "data", "PG_VERSION"), "9\n");
    await expect(startPostgres({ dir, database: "one" })).rejects.toThrow(/was made by another PostgreSQL version/);
  });
});
