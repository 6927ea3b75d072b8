/**
 * One PostgreSQL for a whole vitest run: started in a temporary folder, migrated once into a template database, stopped and
 * removed at the end. Servers that a killed run left behind are stopped by the next one, by the process id in their folder.
 */
import { rmSync } from "node:fs";
import { migrate } from "@karvon/db";
import { startPostgres } from "@karvon/postgres";
import { makeClusterFolder, removeLeftClusters } from "./cluster-folder.ts";
import { shareServerUrl } from "./env.ts";
import { templateDatabase } from "./test-database.ts";

let stop: () => Promise<void> = async () => undefined;

/** Called by vitest before the first test file. */
export async function setup(): Promise<void> {
  removeLeftClusters();
  const dir = makeClusterFolder();
  // Durability stays on, as in production: a test of the ledger on a server that may lose commits proves nothing.
  const server = await startPostgres({ dir, database: templateDatabase, settings: { max_connections: "200", shared_buffers: "64MB" } });
  stop = async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  await migrate({ url: server.url });
  shareServerUrl(server.url);
}

/** Called by vitest after the last one, and when the set-up failed half-way. */
export async function teardown(): Promise<void> {
  shareServerUrl(undefined);
  await stop();
}
