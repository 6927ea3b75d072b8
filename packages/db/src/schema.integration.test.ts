/** prisma/schema.prisma, prisma/migrations and the statements in src/sql say the same. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createTestDatabase, openFixtures, type Fixtures, type TestDatabase } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prismaEnvironment } from "./env.ts";
import { createPrisma, Prisma } from "./index.ts";
import * as statements from "./sql/statements/index.ts";

let database: TestDatabase;
let fixtures: Fixtures;
beforeAll(async () => {
  database = await createTestDatabase();
  fixtures = openFixtures(database.url);
});
afterAll(async () => {
  await fixtures.close();
  await database.drop();
});

const root = resolve(import.meta.dirname, "../../..");

function diffToSchema(): { readonly status: number | null; readonly output: string } {
  const cli = createRequire(import.meta.url).resolve("prisma/build/index.js");
  const args = [cli, "migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--exit-code", "--script"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env: prismaEnvironment(database.url),
    encoding: "utf8",
  });
  return { status, output: `${stdout}\n${stderr}` };
}

describe("schema", () => {
  test("the migrated database has the tables, columns, types, indexes and foreign keys of schema.prisma", () => {
    const { status, output } = diffToSchema();
    expect(output).toContain("This is an empty migration");
    expect(status).toBe(0);
  });

  test("a difference would be seen", async () => {
    await fixtures.pool.query(`ALTER TABLE proxy_session ALTER COLUMN tag SET NOT NULL`);
    const { status, output } = diffToSchema();
    await fixtures.pool.query(`ALTER TABLE proxy_session ALTER COLUMN tag DROP NOT NULL`);
    expect(output).toContain('ALTER COLUMN "tag" DROP NOT NULL');
    expect(status).toBe(2);
  });

  test("every column is as wide and as nullable as its field", async () => {
    const found = await fixtures.pool.query<{ table: string; column: string; type: string; nullable: boolean }>(
      `SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable
       FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> '_prisma_migrations'`,
    );
    const real = new Map(found.rows.map(({ table, column, type, nullable }) => [`${table}.${column}`, `${type}${nullable ? "?" : ""}`]));
    const { stdout } = spawnSync(
      process.execPath,
      [
        createRequire(import.meta.url).resolve("prisma/build/index.js"),
        "migrate",
        "diff",
        "--from-empty",
        "--to-schema",
        "prisma/schema.prisma",
        "--script",
      ],
      {
        cwd: root,
        env: prismaEnvironment(database.url),
        encoding: "utf8",
      },
    );
    const wanted = readCreateTables(stdout);
    expect(wanted.size).toBeGreaterThan(250);
    expect(Object.fromEntries(real)).toEqual(Object.fromEntries(wanted));
  });

  test("money, prices and traffic are whole numbers of 64 bits, and nothing is a floating number but a place on earth", async () => {
    const found = await fixtures.pool.query<{ name: string; type: string }>(
      `SELECT table_name || '.' || column_name AS name, data_type AS type FROM information_schema.columns
       WHERE table_schema = 'public' AND (column_name ~ '(_bytes|_micro_usd|per_byte)$' OR column_name IN ('bytes', 'amount', 'posted', 'reserved', 'granted', 'used', 'balance_after') OR data_type IN ('real', 'double precision', 'numeric'))`,
    );
    const odd = found.rows.filter(
      ({ name, type }) => type !== "bigint" && !/\.(latitude|longitude)$/.test(name) && !name.startsWith("ledger_account.client_"),
    );
    expect(found.rows.length).toBeGreaterThan(30);
    expect(odd).toEqual([]);
  });
});

const typeNames: Readonly<Record<string, string>> = {
  "CHAR(2)": "character(2)",
  "CHAR(3)": "character(3)",
  "TIMESTAMPTZ(3)": "timestamp(3) with time zone",
  BIGSERIAL: "bigint",
};

/** Table and column to type, with a question mark when null is allowed, from the CREATE TABLE statements that Prisma writes. */
function readCreateTables(script: string): Map<string, string> {
  const columns = new Map<string, string>();
  for (const [, table, body = ""] of script.matchAll(/CREATE TABLE "([^"]+)" \(\n([^;]*)\n\);/g)) {
    for (const [, column, type = "", rest = ""] of body.matchAll(
      /^ {4}"([^"]+)" ("[^"]+"|[A-Z]+(?: PRECISION)?(?:\(\d\))?(?:\[\])?)([^\n]*)/gm,
    )) {
      const plain = typeNames[type] ?? (type.startsWith('"') ? type : type.toLowerCase());
      // Prisma writes no NOT NULL for a list, although a list field is never null.
      const isNeverNull = rest.includes("NOT NULL") || plain.endsWith("[]");
      columns.set(`${table}.${column}`, `${plain}${isNeverNull ? "" : "?"}`);
    }
  }
  return columns;
}

describe("statements", () => {
  const all = Object.entries(statements);

  test("have names of their own", () => {
    expect(new Set(all.map(([, { name }]) => name)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(15);
  });

  test.each(all.map(([key, statement]) => [key, statement] as const))(
    "%s prepares against the migrated schema",
    async (_key, statement) => {
      await fixtures.pool.query(`PREPARE probe AS ${statement.text}; DEALLOCATE probe`);
    },
  );
});

describe("Prisma client", () => {
  test("reads and writes through the generated client, and BIGINT is bigint", async () => {
    const prisma = createPrisma({ url: database.url });
    const { clientId } = await fixtures.makeClient();
    await fixtures.credit(clientId, 5_000_000_000n);
    const account = await prisma.ledgerAccount.findUnique({
      where: { kind_ownerId_shard: { kind: "client_bytes", ownerId: clientId, shard: 0 } },
      select: { posted: true, entries: { select: { amount: true, tx: { select: { kind: true } } } } },
    });
    expect(account).toEqual({ posted: 5_000_000_000n, entries: [{ amount: 5_000_000_000n, tx: { kind: "top_up" } }] });
    const written = await prisma.auditLog.create({
      data: { actorId: "usr_a", actorRole: "admin", action: "test.write" },
      select: { seq: true, hash: true },
    });
    expect(written.seq).toBe(1n);
    expect(written.hash).toHaveLength(32);
    await prisma.$disconnect();
  });

  test("shows the ledger's own error code when a key is used for two requests", async () => {
    const prisma = createPrisma({ url: database.url });
    const post = (amount: number) =>
      prisma.$queryRaw`SELECT tx_id FROM ledger_post('key', 'correction', 'x', ${Buffer.alloc(32, amount)}, ${JSON.stringify([
        { kind: "promotion", amount },
        { kind: "write_off", amount: -amount },
      ])}::jsonb)`;
    await post(1);
    const failure = await post(2).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(Prisma.PrismaClientKnownRequestError);
    expect(JSON.stringify(failure)).toContain("KV001");
    expect(String(failure)).toContain("IDEMPOTENCY_CONFLICT");
    await prisma.$disconnect();
  });
});
