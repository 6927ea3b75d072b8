/**
 * The platform's PostgreSQL: the embedded one in the data folder, or the server that DATABASE_URL names, checked either way.
 *
 * A server left running by a launcher that was killed is taken over and stopped with this one: the data folder's lock
 * says that nobody else uses it. A server that ends by itself is started again on its port, so that pools reconnect.
 *
 * Limits: looked at every second, 5 restarts in the life of a launcher; 10 s to connect to a server of DATABASE_URL.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isAlive, PostgresStartError, startPostgres, type RunningPostgres } from "@karvon/postgres";
import pg from "pg";
import type { DataFolder } from "./data-folder.ts";
import { StartError } from "./start-error.ts";

const connectTimeoutMs = 10_000;
const versionMin = 150_000;
const databaseName = "karvon";
const watchIntervalMs = 1_000;
const restartsMax = 5;

export interface PlatformDatabase {
  readonly url: string;
  /** Null for a server of somebody else. */
  readonly pid: number | null;
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  readonly databaseUrl: string | undefined;
  readonly folder: DataFolder;
  say(text: string): void;
  /** The embedded server ended by itself and serves again, on the same port. */
  onRestarted(): void;
  /** It does not come back; nobody tries again. */
  onGivenUp(reason: string): void;
}

export async function openDatabase(options: OpenDatabaseOptions): Promise<PlatformDatabase> {
  if (options.databaseUrl !== undefined) {
    await checkServer(options.databaseUrl);
    return { url: options.databaseUrl, pid: null, close: async () => undefined };
  }
  const dir = options.folder.path("postgres");
  let server = await start({ dir });
  const { url, port } = server;
  let restarts = 0;
  const stop = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await pause(watchIntervalMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (stop.signal.aborted || isAlive(server.pid)) continue;
      restarts += 1;
      if (restarts > restartsMax) return options.onGivenUp(`PostgreSQL ended ${restarts} times; ${join(dir, "server.log")} says why`);
      options.say("PostgreSQL ended unexpectedly; starting it again");
      try {
        server = await start({ dir, port });
      } catch (cause) {
        return options.onGivenUp(cause instanceof Error ? cause.message : String(cause));
      }
      options.say(`PostgreSQL serves again (process ${server.pid})`);
      options.onRestarted();
    }
  };
  const watching = watch();
  return {
    url,
    get pid() {
      return server.pid;
    },
    async close() {
      stop.abort();
      await watching;
      await server.stop({ evenIfReused: true });
    },
  };
}

async function start(where: { readonly dir: string; readonly port?: number }): Promise<RunningPostgres> {
  try {
    return await startPostgres({ ...where, database: databaseName });
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
