import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { createTestDatabase, openFixtures } from "@karvon/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensurePartitions, migrate, MigrationError } from "./index.ts";

const names = readdirSync(resolve(import.meta.dirname, "../../../prisma/migrations")).filter((name) => /^\d{14}_/.test(name));

let url: string;
let emptyUrl: string;
let sweep: () => Promise<void>;
beforeEach(async () => {
  const database = await createTestDatabase();
  url = database.url;
  const fixtures = openFixtures(url);
  const empty = new URL(url);
  empty.pathname += "_empty";
  emptyUrl = empty.href;
  sweep = async () => {
    await fixtures.pool.query(`DROP DATABASE IF EXISTS ${empty.pathname.slice(1)} WITH (FORCE)`);
    await fixtures.close();
    await database.drop();
  };
});
afterEach(() => sweep());

describe("migrate", () => {
  test("makes a database that is not there, applies every migration, and next time does nothing", async () => {
    expect(await migrate({ url: emptyUrl })).toEqual({ applied: names });
    const startedMs = performance.now();
    expect(await migrate({ url: emptyUrl })).toEqual({ applied: [] });
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  });

  test("two processes that start together both end with a complete database", async () => {
    const outcomes = await Promise.all([migrate({ url: emptyUrl }), migrate({ url: emptyUrl })]);
    expect(outcomes.every(({ applied }) => applied.length === names.length)).toBe(true);
    expect(await ensurePartitions(emptyUrl)).toBe(0);
  });

  test("refuses a migration that was changed after it was applied, and names it", async () => {
    const fixtures = openFixtures(url);
    await fixtures.pool.query("UPDATE _prisma_migrations SET checksum = repeat('0', 64) WHERE migration_name = $1", [names[0]]);
    await fixtures.close();
    await expect(migrate({ url })).rejects.toThrow(`The migration ${names[0]} was changed`);
  });

  test("names the migration that failed half-way before", async () => {
    const fixtures = openFixtures(url);
    await fixtures.pool.query("UPDATE _prisma_migrations SET finished_at = NULL, logs = 'boom' WHERE migration_name = $1", [names.at(-1)]);
    await fixtures.close();
    await expect(migrate({ url })).rejects.toThrow(`The migration ${names.at(-1)} failed half-way`);
  });

  test("says in one sentence that the server does not answer", async () => {
    const failure = await migrate({ url: "postgresql://karvon:x@127.0.0.1:9/karvon" }).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(MigrationError);
    expect(String(failure)).toMatch(/The database does not answer \(.*ECONNREFUSED.*\)\./);
  });

  test("puts back the partitions of the coming months", async () => {
    const fixtures = openFixtures(url);
    const found = await fixtures.pool.query<{ part: string }>(
      "SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = 'usage_hour'::regclass AND inhrelid::regclass::text ~ 'y' ORDER BY 1 DESC LIMIT 1",
    );
    await fixtures.pool.query(`DROP TABLE ${found.rows[0]?.part}`);
    expect(await ensurePartitions(url)).toBe(1);
    await fixtures.close();
  });
});
