/**
 * Journals of other gateways of this data folder whose process is dead. A process that dies is followed by one in the lowest
 * free seat, which need not be the dead one's; so whoever starts takes care of all of them.
 *
 * A folder says in `owner` which process writes in it. A process number that is in use again keeps a folder waiting for a
 * later start, never the other way round.
 */
import { recordBatch, splitSample, type UsageLedger } from "@karvon/billing";
import type { GatewayDatabase } from "@karvon/db/sql";
import { type DeadJournal, readDeadJournals, removeJournal } from "@karvon/journal";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ownerFile = "owner";

/** Says that this process writes in the folder. */
export function ownFolder(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, ownerFile), String(process.pid), { mode: 0o600 });
}

/** Those of gateways other than `ownId`. */
export function findOrphans(root: string, ownId: string): DeadJournal[] {
  const folders = existsSync(root) ? readdirSync(root).filter((name) => name !== ownId) : [];
  return folders
    .map((name) => join(root, name))
    .filter((folder) => !isOwned(folder))
    .flatMap((folder) => readDeadJournals(folder));
}

/** Where orphans are posted, and what was granted to their gateways is given back. */
export type OrphanLedger = UsageLedger & Pick<GatewayDatabase, "releaseQuotas">;

/** Posts one under its own gateway's name and takes it away. Rejects when the ledger does not take it; then it stays. */
export async function postOrphan(ledger: OrphanLedger, journal: DeadJournal, epoch: bigint): Promise<void> {
  const { gatewayId, lastAtMs, sample } = journal;
  for (const [at, part] of splitSample(sample).entries()) {
    await recordBatch(ledger, { gatewayId, epoch, seq: BigInt(at + 1), sampledAtMs: lastAtMs, ...part });
  }
  await ledger.releaseQuotas(gatewayId, journal.epoch);
  removeJournal(journal);
}

function isOwned(folder: string): boolean {
  const path = join(folder, ownerFile);
  const pid = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  return pid > 0 && pid !== process.pid && isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // A process of another user lives too.
    return cause instanceof Error && Reflect.get(cause, "code") === "EPERM";
  }
}
