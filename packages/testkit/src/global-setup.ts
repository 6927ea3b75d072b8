/**
 * One PostgreSQL for a whole vitest run: started in a temporary folder, migrated once into a template database, stopped and
 * removed at the end. Servers that a killed run left behind are stopped by the next one, by the process id in their folder.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "@karvon/db";
import { isAlive, startPostgres } from "@karvon/postgres";
import { shareServerUrl } from "./env.ts";
import { templateDatabase } from "./test-database.ts";

const prefix = "karvon-test-";
/** Memory that looks like a disk: making and dropping databases takes a third of the time. */
const memoryDisk = "/dev/shm";
const freeBytesMin = 2_000_000_000;

let stop: () => Promise<void> = async () => undefined;

/** Called by vitest before the first test file. */
export async function setup(): Promise<void> {
  removeLeftovers();
  const dir = mkdtempSync(join(chooseFolder(), `${prefix}${process.pid}-`));
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

function chooseFolder(): string {
  if (!existsSync(memoryDisk)) return tmpdir();
  const disk = statfsSync(memoryDisk);
  return disk.bavail * disk.bsize >= freeBytesMin ? memoryDisk : tmpdir();
}

function removeLeftovers(): void {
  for (const parent of new Set([tmpdir(), chooseFolder()])) {
    for (const name of readdirSync(parent)) {
      const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
      if (owner !== undefined && !isAlive(Number(owner))) removeServer(join(parent, name));
    }
  }
}

function removeServer(folder: string): void {
  const pidFile = join(folder, "data", "postmaster.pid");
  const server = existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8").split("\n")[0]) : 0;
  if (server > 0 && isAlive(server)) process.kill(server, "SIGQUIT");
  rmSync(folder, { recursive: true, force: true });
}
