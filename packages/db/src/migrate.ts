/**
 * Brings a database to this checkout's schema: prisma/migrations through the Prisma CLI in a child process, then the coming
 * months' partitions. Safe to run from several processes at once and when nothing is to do (then the CLI, which takes 2 s,
 * is not started).
 *
 * It never resets, never edits and never goes back. A migration that failed half-way stays marked and is named in the error.
 *
 * Limits: 5 s to connect, 120 s for everything.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { prismaEnvironment } from "./env.ts";

const connectTimeoutMs = 5_000;
const migrateTimeoutMs = 120_000;
const outputCharactersMax = 100_000;

/** The database could not be brought to this schema. The message is for the person at the terminal. */
export class MigrationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MigrationError";
  }
}

export interface MigrateOutcome {
  /** Names of the migrations that this call applied; empty when the database was up to date. */
  readonly applied: readonly string[];
}

interface Migration {
  readonly name: string;
  readonly sha256: string;
}

export async function migrate({ url }: { readonly url: string }): Promise<MigrateOutcome> {
  const root = findRoot();
  const wanted = readMigrations(root);
  const before = await readApplied(url);
  const missing = wanted.filter(({ name }) => !before.has(name));
  const changed = wanted.find(({ name, sha256 }) => before.has(name) && before.get(name) !== sha256);
  if (changed !== undefined)
    throw new MigrationError(
      `The migration ${changed.name} was changed after this database had applied it: restore the file, and put the change into a new migration.`,
    );
  if (missing.length > 0) await deploy(root, url);
  await ensurePartitions(url);
  return { applied: missing.map(({ name }) => name) };
}

/** Makes this month's partitions and those of the three after it. Call once a day; answers how many were made. */
export function ensurePartitions(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const result = await client.query<{ made: number }>("SELECT karvon_ensure_partitions(3) AS made");
    return result.rows[0]?.made ?? 0;
  });
}

/** The checkout's folder, from wherever this code was bundled to. */
function findRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "prisma.config.ts")) && existsSync(join(folder, "prisma", "migrations"))) return folder;
    if (folder === dirname(folder))
      throw new MigrationError("The folder prisma/migrations is missing: run Karvon from a complete checkout.");
  }
}

function readMigrations(root: string): Migration[] {
  const folder = join(root, "prisma", "migrations");
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({
      name,
      sha256: createHash("sha256")
        .update(readFileSync(join(folder, name, "migration.sql")))
        .digest("hex"),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Finished migrations by name with their checksums, as Prisma keeps them. Empty for a new or a missing database. */
async function readApplied(url: string): Promise<Map<string, string>> {
  try {
    return await withClient(url, async (client) => {
      const rows = await client.query<{ name: string; sha256: string }>(
        "SELECT migration_name AS name, checksum AS sha256 FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
      );
      return new Map(rows.rows.map(({ name, sha256 }) => [name, sha256]));
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    // 42P01: no such table. 3D000: no such database; the CLI makes it.
    if (code === "42P01" || code === "3D000") return new Map();
    throw new MigrationError(
      `The database does not answer (${cause instanceof Error && cause.message !== "" ? cause.message : String(code)}).`,
      { cause },
    );
  }
}

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  // A server that goes away between queries emits 'error'; the rejection of the query already says it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function deploy(root: string, url: string): Promise<void> {
  const cli = createRequire(join(root, "package.json")).resolve("prisma/build/index.js");
  const { code, output } = await runChild(cli, root, url);
  if (code === 0) return;
  throw new MigrationError(explain(output), { cause: new Error(output.trim()) });
}

function runChild(cli: string, root: string, url: string): Promise<{ code: number | null; output: string }> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [cli, "migrate", "deploy"], {
      cwd: root,
      env: prismaEnvironment(url),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: migrateTimeoutMs,
    });
    let output = "";
    const keep = (chunk: Buffer) => (output = (output + chunk.toString("utf8")).slice(-outputCharactersMax));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", failed);
    child.once("close", (code) => done({ code, output }));
  });
}

function explain(output: string): string {
  if (/P3009/.test(output)) {
    const name = /The `([^`]+)` migration/.exec(output)?.[1] ?? "an earlier one";
    return `The migration ${name} failed half-way in this database before: mend it by hand, then run \`npx prisma migrate resolve\`.`;
  }
  if (/P1001|P1002/.test(output)) return "The database went away while it was being migrated.";
  const complaint =
    /(?:Database error:|ERROR:|Error:)\s*([^\n]+)/.exec(output)?.[1] ?? output.trim().split("\n").at(-1) ?? "no reason given";
  return `The database could not be migrated: ${complaint.trim()}`;
}
