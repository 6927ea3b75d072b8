/**
 * Where the clusters of tests lie: in memory that looks like a disk when there is enough of it, because making and dropping
 * databases takes a third of the time there. A folder is named after the process that made it; what a killed run left behind
 * is stopped by the next one, by the process id in the folder.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "@karvon/postgres";

const prefix = "karvon-test-";
const memoryDisk = "/dev/shm";
const freeBytesMin = 2_000_000_000;

export function makeClusterFolder(): string {
  return mkdtempSync(join(chooseParent(), `${prefix}${process.pid}-`));
}

export function removeLeftClusters(): void {
  for (const parent of new Set([tmpdir(), chooseParent()])) {
    for (const name of readdirSync(parent)) {
      const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
      if (owner !== undefined && !isAlive(Number(owner))) removeServer(join(parent, name));
    }
  }
}

function chooseParent(): string {
  if (!existsSync(memoryDisk)) return tmpdir();
  const disk = statfsSync(memoryDisk);
  return disk.bavail * disk.bsize >= freeBytesMin ? memoryDisk : tmpdir();
}

function removeServer(folder: string): void {
  const pidFile = join(folder, "data", "postmaster.pid");
  const server = existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8").split("\n")[0]) : 0;
  if (server > 0 && isAlive(server)) process.kill(server, "SIGQUIT");
  rmSync(folder, { recursive: true, force: true });
}
