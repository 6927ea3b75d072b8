import { isFullTier, printFigure } from "@karvon/testkit";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDeadJournals } from "./directory.ts";
import { openJournal } from "./journal.ts";
import { type Disk, systemDisk } from "./segment.ts";
import { billed, factsOf, newFolder } from "./testing/sample.ts";

interface Kept {
  readonly folder: string;
  readonly atMs: number;
  /** Syncs so far, finished or not. */
  readonly begun: number;
}

/** A disk that keeps what each sync began with: at least that is there after the power went. */
function rememberingDisk(directory: string): { disk: Disk; kept: () => Kept } {
  const copies = newFolder();
  let kept = { folder: "", atMs: 0 };
  let begun = 0;
  const disk: Disk = {
    ...systemDisk,
    async sync(fd) {
      begun += 1;
      const folder = join(copies, String(begun));
      copyFiles(directory, folder);
      const atMs = performance.now();
      await systemDisk.sync(fd);
      kept = { folder, atMs };
    },
  };
  return { disk, kept: () => ({ ...kept, begun }) };
}

function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
}

interface Loss {
  readonly carriedBytes: number;
  readonly lostBytes: number;
  readonly lostMs: number;
  /** Of what was carried before the last whole sync began. */
  readonly lostOfSyncedBytes: number;
}

/** The power goes when the third sync from now on begins, which is the worst moment. */
async function losePower(): Promise<Loss> {
  const directory = join(newFolder(), "gwy_a");
  const { disk, kept } = rememberingDisk(directory);
  const never = (cause: unknown): never => {
    throw cause;
  };
  const name = { directory, gatewayId: "gwy_a", epoch: 7n };
  const journal = await openJournal({ ...name, nowMs: Date.now, segmentBytes: 262_144, disk, onBroken: never, onTrouble: never });
  const counters = { upBytes: 0, downBytes: 0 };
  const entry = journal.open(factsOf("ses_a"), counters);
  const carried: { readonly atMs: number; readonly bytes: number }[] = [];
  const { begun } = kept();
  while (kept().begun < begun + 3) {
    counters.downBytes += 65_536;
    entry.moved();
    journal.commit();
    carried.push({ atMs: performance.now(), bytes: counters.downBytes });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { folder, atMs } = kept();
  const lostMs = Math.round(performance.now() - atMs);
  const [dead] = readDeadJournals(folder);
  const found = dead === undefined ? 0 : (billed(dead)["ses_a"]?.[1] ?? 0);
  const syncedBytes = carried.filter((one) => one.atMs <= atMs).at(-1)?.bytes ?? 0;
  await journal.close();
  expect(found).toBeGreaterThan(0);
  return {
    carriedBytes: counters.downBytes,
    lostBytes: counters.downBytes - found,
    lostMs,
    lostOfSyncedBytes: Math.max(0, syncedBytes - found),
  };
}

test("M07: a power loss takes what was carried since the last sync began, and nothing older", async () => {
  const losses: Loss[] = [];
  for (let loss = 0; loss < (isFullTier ? 10 : 1); loss += 1) losses.push(await losePower());
  const most = (name: keyof Loss): number => Math.max(...losses.map((loss) => loss[name]));
  const figure = { mostLostMs: most("lostMs"), mostLostBytes: most("lostBytes"), lostOfSyncedBytes: most("lostOfSyncedBytes") };
  printFigure("M07", { losses: losses.length, carriedBytes: losses.reduce((sum, { carriedBytes }) => sum + carriedBytes, 0), ...figure });
  expect(figure.lostOfSyncedBytes).toBe(0);
}, 60_000);
