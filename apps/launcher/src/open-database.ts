/**
 * The platform's PostgreSQL: the embedded one in the data folder, or the server that DATABASE_URL names, checked either way.
 *
 * A server left running by a launcher that was killed is taken over and stopped with this one: the data folder's lock
 * says that nobody else uses it.
 */
import { PostgresStartError, startPostgres } from "@karvon/postgres";
import pg from "pg";
import type { DataFolder } from "./data-folder.ts";
import { StartError } from "./start-error.ts";

const connectTimeoutMs = 10_000;
const versionMin = 150_000;
const databaseName = "karvon";

export interface PlatformDatabase {
  readonly url: string;
  /** Null for a server of somebody else. */
  readonly pid: number | null;
  close(): Promise<void>;
}

export async function openDatabase(databaseUrl: string | undefined, folder: DataFolder): Promise<PlatformDatabase> {
  if (databaseUrl !== undefined) {
    await checkServer(databaseUrl);
    return { url: databaseUrl, pid: null, close: async () => undefined };
  }
  try {
    const server = await startPostgres({ dir: folder.path("postgres"), database: databaseName });
    return { url: server.url, pid: server.pid, close: () => server.stop({ evenIfReused: true }) };
  } catch (cause) {
    if (cause instanceof PostgresStartError) throw new StartError(cause.message, { cause });
    throw cause;
  }
}

async function checkServer(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  // A server that goes away right now emits 'error'; the query's rejection already says it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const found = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
    const version = Number(found.rows[0]?.version ?? 0);
    if (version < versionMin)
      throw new StartError(`DATABASE_URL names a PostgreSQL that is too old (${version}); use version 15 or newer.`);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : "no answer";
    throw new StartError(
      `The PostgreSQL server of DATABASE_URL cannot be used (${reason}); check the address, or unset DATABASE_URL to use the embedded one.`,
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
