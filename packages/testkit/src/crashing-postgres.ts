/** A migrated PostgreSQL of one test's own, which can be ended as a crash ends it and comes back under the same address. */
import { rmSync } from "node:fs";
import { migrate } from "@karvon/db";
import { isAlive, startPostgres } from "@karvon/postgres";
import { makeClusterFolder } from "./cluster-folder.ts";
import { until } from "./until.ts";

export interface CrashingPostgres {
  readonly url: string;
  /** `pg_ctl stop -m immediate`: open transactions are gone and nobody is told. Resolves when the server is. */
  crash(): Promise<void>;
  /** Recovers and resolves when it answers. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const settings = { max_connections: "50", shared_buffers: "64MB" };
const database = "karvon";

export async function startCrashingPostgres(): Promise<CrashingPostgres> {
  const dir = makeClusterFolder();
  let server = await startPostgres({ dir, database, settings });
  await migrate({ url: server.url });
  return {
    url: server.url,
    async crash() {
      const { pid } = server;
      process.kill(pid, "SIGQUIT");
      await until(() => !isAlive(pid), { what: "the server's end", everyMs: 2 });
    },
    async start() {
      server = await startPostgres({ dir, database, settings, port: server.port });
    },
    async close() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
