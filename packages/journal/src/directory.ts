/**
 * Where journals lie: `<data folder>/journal/<gateway id>/<epoch>-<file>.log`. A gateway process writes files of its own epoch
 * only, so those of other epochs belong to processes that are dead.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Replay, replaySegments } from "./replay.ts";

const filePattern = /^(\d{1,16})-(\d{1,9})\.log$/;

export function segmentFileName(epoch: bigint, file: number): string {
  return `${epoch}-${file}.log`;
}

/** A dead process's journal. */
export interface DeadJournal extends Replay {
  readonly files: readonly string[];
}

/** Journals in the folder but that of `liveEpoch`, oldest first; none when there is no folder. Throws when a file cannot be read. */
export function readDeadJournals(directory: string, liveEpoch: bigint | null = null): DeadJournal[] {
  const byEpoch = new Map<bigint, string[]>();
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const epoch = filePattern.exec(name)?.[1];
    if (epoch === undefined || BigInt(epoch) === liveEpoch) continue;
    const files = byEpoch.get(BigInt(epoch)) ?? [];
    files.push(join(directory, name));
    byEpoch.set(BigInt(epoch), files);
  }
  return [...byEpoch.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([epoch, files]) => ({ ...(replaySegments(files.map((path) => readFileSync(path))) ?? nothing(epoch)), files }));
}

/** Journals in the folder of a gateway, or in the folders of several: as they lie in a data folder. */
export function readOrphanJournals(directory: string): DeadJournal[] {
  const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [directory, ...folders.map(({ name }) => join(directory, name))].flatMap((folder) => readDeadJournals(folder));
}

/** Takes a journal away whose content the ledger has. */
export function removeJournal({ files }: Pick<DeadJournal, "files">): void {
  for (const path of files) rmSync(path, { force: true });
}

/** Files that name nothing: a process that died before its first record. */
function nothing(epoch: bigint): Replay {
  return { gatewayId: "", epoch, lastAtMs: 0, sample: { opened: [], counters: [] }, bytes: 0 };
}
