import { printFigure } from "@karvon/testkit";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDeadJournals } from "./directory.ts";
import { openJournal } from "./journal.ts";
import { type Disk, systemDisk } from "./segment.ts";
import { billed, factsOf, newFolder } from "./testing/sample.ts";

/** A disk that keeps what each sync began with: at least that is there after the power went. */
function rememberingDisk(directory: string): { disk: Disk; kept: () => { folder: string; atMs: number; begun: number } } {
  let kept = { folder: "", atMs: 0 };
  let begun = 0;
  const disk: Disk = {
    ...systemDisk,
    async sync(fd) {
      begun += 1;
      const folder = newCopy(directory);
      const atMs = performance.now();
      await systemDisk.sync(fd);
      kept = { folder, atMs };
    },
  };
  return { disk, kept: () => ({ ...kept, begun }) };
}

let copies = "";
let copiesMade = 0;
function newCopy(directory: string): string {
  copiesMade += 1;
  const copy = join(copies, String(copiesMade));
  mkdirSync(copy);
  for (const name of readdirSync(directory)) copyFileSync(join(directory, name), join(copy, name));
  return copy;
}

test("M07: a power loss takes what was carried since the last sync began, and nothing older", async () => {
  copies = newFolder();
  const directory = join(newFolder(), "gwy_a");
  const { disk, kept } = rememberingDisk(directory);
  const never = (cause: unknown): never => {
    throw cause;
  };
  const journal = await openJournal({
    directory,
    gatewayId: "gwy_a",
    epoch: 7n,
    nowMs: Date.now,
    segmentBytes: 262_144,
    disk,
    onBroken: never,
    onTrouble: never,
  });
  const counters = { upBytes: 0, downBytes: 0 };
  const entry = journal.open(factsOf("ses_a"), counters);
  const carried: { readonly atMs: number; readonly bytes: number }[] = [];
  const { begun } = kept();
  // The power goes when the third sync begins, which is the worst moment.
  while (kept().begun < begun + 3) {
    counters.downBytes += 65_536;
    entry.moved();
    journal.commit();
    carried.push({ atMs: performance.now(), bytes: counters.downBytes });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { folder, atMs } = kept();
  const [dead] = readDeadJournals(folder);
  const found = dead === undefined ? 0 : (billed(dead)["ses_a"]?.[1] ?? 0);
  const syncedBytes = carried.filter((one) => one.atMs <= atMs).at(-1)?.bytes ?? 0;
  const figure = {
    carriedBytes: counters.downBytes,
    lostBytes: counters.downBytes - found,
    lostMs: Math.round(performance.now() - atMs),
    lostOfSyncedBytes: Math.max(0, syncedBytes - found),
  };
  printFigure("M07", figure);
  expect(found).toBeGreaterThan(0);
  expect(figure.lostOfSyncedBytes).toBe(0);
  await journal.close();
});
