import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readDeadJournals, removeJournal } from "./directory.ts";
import { type Journal, type JournalOptions, openJournal } from "./journal.ts";
import { type Disk, systemDisk } from "./segment.ts";
import { billed, factsOf, newFolder, startMs } from "./testing/sample.ts";

interface World {
  readonly journal: Journal;
  readonly directory: string;
  readonly troubles: unknown[];
  readonly broken: unknown[];
}

async function open(options: Partial<JournalOptions> = {}): Promise<World> {
  const directory = join(newFolder(), "gwy_a");
  const troubles: unknown[] = [];
  const broken: unknown[] = [];
  const journal = await openJournal({
    directory,
    gatewayId: "gwy_a",
    epoch: 7n,
    nowMs: () => startMs + 1_000,
    segmentBytes: 65_536,
    syncEveryMs: 5,
    onBroken: (cause) => broken.push(cause),
    onTrouble: (cause) => troubles.push(cause),
    ...options,
  });
  onTestFinished(() => journal.close());
  return { journal, directory, troubles, broken };
}

/** What a process that dies now leaves behind. */
function dieNow(directory: string): ReturnType<typeof readDeadJournals> {
  const copy = join(newFolder(), "copy");
  mkdirSync(copy);
  for (const name of readdirSync(directory)) copyFileSync(join(directory, name), join(copy, name));
  return readDeadJournals(copy);
}

function billedAt(directory: string): Record<string, number[]> {
  const [dead] = dieNow(directory);
  return dead === undefined ? {} : billed(dead);
}

/** A disk that does what the system's does until it is told not to. */
function fragileDisk(): { disk: Disk; fails: Set<keyof Disk>; calls: (keyof Disk)[] } {
  const fails = new Set<keyof Disk>();
  const calls: (keyof Disk)[] = [];
  function guard<Name extends "open" | "write" | "writeSync" | "sync" | "syncSync">(name: Name): Disk[Name] {
    const real: (...args: never[]) => unknown = systemDisk[name];
    return ((...args: never[]) => {
      calls.push(name);
      if (!fails.has(name)) return real(...args);
      const cause = new Error(`ENOSPC: no space left on device, ${name}`);
      if (name.endsWith("Sync")) throw cause;
      return Promise.reject(cause);
    }) as Disk[Name];
  }
  const disk = { ...systemDisk, open: guard("open"), write: guard("write"), sync: guard("sync") };
  return { disk: { ...disk, writeSync: guard("writeSync"), syncSync: guard("syncSync") }, fails, calls };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error("it did not come to that in 5 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the journal", () => {
  test("has every total in the system's hands when a commit returns, and none that was not committed", async () => {
    const { journal, directory } = await open();
    const counters = { upBytes: 5, downBytes: 0 };
    const entry = journal.open(factsOf("ses_a"), counters);
    expect(billedAt(directory)).toEqual({});
    journal.commit();
    expect(billedAt(directory)).toEqual({ ses_a: [5, 0] });
    counters.downBytes = 70_000;
    entry.moved();
    journal.commit();
    counters.downBytes = 90_000;
    entry.moved();
    expect(billedAt(directory)).toEqual({ ses_a: [5, 70_000] });
  });

  test("tells of a dead process's sessions whole: facts, totals, and the moment of its last byte as their end", async () => {
    const { journal, directory } = await open();
    journal.open(factsOf("ses_a"), { upBytes: 1, downBytes: 2 });
    journal.commit();
    expect(dieNow(directory)).toMatchObject([
      {
        gatewayId: "gwy_a",
        epoch: 7n,
        lastAtMs: startMs + 1_000,
        bytes: 3,
        sample: {
          opened: [factsOf("ses_a")],
          counters: [
            { id: "ses_a", openedAtMs: startMs, upBytes: 1, downBytes: 2, closedAtMs: startMs + 1_000, closeReason: "gateway_lost" },
          ],
        },
      },
    ]);
  });

  test("owes nothing for what the ledger has whole or what was waived, and only totals for whose facts it has", async () => {
    const { journal, directory } = await open();
    const known = journal.open(factsOf("ses_known"), { upBytes: 1, downBytes: 0 });
    const settled = journal.open(factsOf("ses_settled"), { upBytes: 2, downBytes: 0 });
    const waived = journal.open(factsOf("ses_waived"), { upBytes: 3, downBytes: 0 });
    journal.commit();
    known.known();
    settled.close({ upBytes: 2, downBytes: 0, closedAtMs: startMs, closeReason: "finished" });
    settled.settle();
    waived.waive();
    expect(billedAt(directory)).toEqual({ ses_known: [1, 0] });
  });

  test("goes round in two files, and each time carries over what is owed and nothing else", async () => {
    const { journal, directory } = await open();
    const counters = { upBytes: 0, downBytes: 0 };
    const long = journal.open(factsOf("ses_long"), counters);
    for (let turn = 1; turn <= 20_000; turn += 1) {
      counters.downBytes += 1_000;
      long.moved();
      const short = journal.open(factsOf(`ses_${turn}`), { upBytes: 1, downBytes: 1 });
      journal.commit();
      short.close({ upBytes: 1, downBytes: 1, closedAtMs: startMs, closeReason: "finished" });
      short.settle();
      if (turn === 50) long.known();
      if (turn % 4_000 !== 0) continue;
      expect(billedAt(directory)["ses_long"]).toEqual([0, turn * 1_000]);
      // The last short one's end waits for the next write.
      expect(Object.keys(billedAt(directory)).length).toBeLessThanOrEqual(2);
      await until(() => readdirSync(directory).length === 2);
    }
    expect(journal.trouble).toBeNull();
  }, 30_000);

  test("grows while sessions are opened, and keeps them all", async () => {
    const { journal, directory } = await open({ segmentBytes: 16_384 });
    for (let number = 0; number < 2_000; number += 1) {
      journal.open(factsOf(`ses_${number}`), { upBytes: number, downBytes: 0 });
      journal.commit();
      // As the gateway does: nobody new while the journal is in trouble.
      await until(() => journal.trouble === null);
    }
    expect(Object.keys(billedAt(directory))).toHaveLength(2_000);
    expect(billedAt(directory)).toMatchObject({ ses_0: [0, 0], ses_1999: [1_999, 0] });
  }, 30_000);

  test("leaves no file behind when nothing is owed, and everything that is when something is", async () => {
    const { journal, directory } = await open();
    const entry = journal.open(factsOf("ses_a"), { upBytes: 4, downBytes: 0 });
    entry.close({ upBytes: 9, downBytes: 0, closedAtMs: startMs + 3, closeReason: "finished" });
    const other = await open();
    await journal.close();
    await other.journal.close();
    const [dead] = readDeadJournals(directory);
    expect(dead?.sample.counters).toMatchObject([{ id: "ses_a", upBytes: 9, closedAtMs: startMs + 3, closeReason: "finished" }]);
    if (dead !== undefined) removeJournal(dead);
    expect(readdirSync(directory)).toEqual([]);
    expect(readdirSync(other.directory)).toEqual([]);
  });

  test("leaves out the journal of the process that asks", async () => {
    const { directory } = await open();
    expect(readDeadJournals(directory, 7n)).toEqual([]);
    expect(readDeadJournals(directory)).toHaveLength(1);
  });
});

describe("a disk that fails", () => {
  test("with no room for a journal stops new sessions until there is", async () => {
    const { disk, fails } = fragileDisk();
    fails.add("write");
    const { journal, broken } = await open({ disk });
    expect(journal.trouble).toMatch(/ENOSPC/);
    fails.clear();
    await until(() => journal.trouble === null);
    expect(broken).toEqual([]);
  });

  test("by one write goes on in the next segment and loses nothing", async () => {
    const { disk, fails } = fragileDisk();
    const { journal, directory, troubles, broken } = await open({ disk, syncEveryMs: 60_000 });
    const counters = { upBytes: 1, downBytes: 0 };
    const entry = journal.open(factsOf("ses_a"), counters);
    journal.commit();
    const real = disk.writeSync;
    let isFirst = true;
    disk.writeSync = (...args) => {
      if (!isFirst) return real(...args);
      isFirst = false;
      return 3;
    };
    counters.upBytes = 2;
    entry.moved();
    journal.commit();
    expect(billedAt(directory)).toEqual({ ses_a: [2, 0] });
    expect([troubles.length, broken, fails.size]).toEqual([1, [], 0]);
  });

  test("while sessions are being opened loses none of them", async () => {
    const { disk } = fragileDisk();
    const { journal, directory, broken } = await open({ disk, syncEveryMs: 60_000, segmentBytes: 1_048_576 });
    const real = disk.writeSync;
    let writes = 0;
    disk.writeSync = (...args) => {
      writes += 1;
      return writes === 1 ? 3 : real(...args);
    };
    // More than fit into what is written at once: the write that fails comes in the middle of an opening.
    for (let number = 0; number < 700; number += 1) journal.open(factsOf(`ses_${number}`), { upBytes: number, downBytes: 0 });
    journal.commit();
    expect(Object.keys(billedAt(directory))).toHaveLength(700);
    expect(broken).toEqual([]);
  });

  test("by every write says so once, and takes sessions again when it is well", async () => {
    const { disk, fails } = fragileDisk();
    const { journal, directory, broken } = await open({ disk });
    const counters = { upBytes: 1, downBytes: 0 };
    const entry = journal.open(factsOf("ses_a"), counters);
    journal.commit();
    fails.add("writeSync");
    for (const upBytes of [2, 3]) {
      counters.upBytes = upBytes;
      entry.moved();
      journal.commit();
    }
    expect(broken).toHaveLength(1);
    expect(journal.trouble).toMatch(/ENOSPC/);
    expect(billedAt(directory)).toEqual({ ses_a: [1, 0] });
    fails.clear();
    await until(() => journal.trouble === null);
    expect(billedAt(directory)).toEqual({ ses_a: [3, 0] });
  });

  test("to sync once is not asked for the same file again: another file gets a snapshot", async () => {
    const { disk, fails, calls } = fragileDisk();
    const { journal, directory, troubles } = await open({ disk });
    journal.open(factsOf("ses_a"), { upBytes: 1, downBytes: 0 });
    journal.commit();
    const before = readdirSync(directory);
    fails.add("sync");
    calls.length = 0;
    await until(() => calls.includes("sync"));
    fails.clear();
    await until(() => troubles.length > 0 && journal.trouble === null);
    await until(() => readdirSync(directory).some((name) => !before.includes(name)));
    expect(billedAt(directory)).toEqual({ ses_a: [1, 0] });
  });

  test("to sync twice stops new sessions, and open ones go on", async () => {
    const { disk, fails } = fragileDisk();
    const { journal, directory, broken } = await open({ disk });
    const counters = { upBytes: 1, downBytes: 0 };
    const entry = journal.open(factsOf("ses_a"), counters);
    journal.commit();
    fails.add("sync");
    await until(() => journal.trouble !== null);
    counters.upBytes = 2;
    entry.moved();
    journal.commit();
    expect(billedAt(directory)).toEqual({ ses_a: [2, 0] });
    expect(broken).toEqual([]);
    fails.clear();
    await until(() => journal.trouble === null);
  });
});
