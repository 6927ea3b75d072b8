import { printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { openJournal } from "./journal.ts";
import { replaySegments } from "./replay.ts";
import { factsOf, newFolder, readSegments, startMs } from "./testing/sample.ts";

const sampleBytes = 4_096;

/** A segment with every kind of record, and what each session has at most. */
async function recordSample(): Promise<{ segment: Buffer; most: Map<string, number> }> {
  const directory = newFolder();
  const never = (cause: unknown): never => {
    throw cause;
  };
  const journal = await openJournal({
    directory,
    gatewayId: "gwy_a",
    epoch: 7n,
    nowMs: () => startMs,
    onBroken: never,
    onTrouble: never,
    segmentBytes: 32_768,
  });
  const most = new Map<string, number>();
  for (let round = 0; round < 6; round += 1) {
    const id = `ses_${round}`;
    const counters = { upBytes: 0, downBytes: 0 };
    const entry = journal.open(factsOf(id), counters);
    for (let turn = 0; turn < 8; turn += 1) {
      counters.upBytes += 100 + turn;
      counters.downBytes += 65_536;
      entry.moved();
      journal.commit();
    }
    most.set(id, counters.upBytes + counters.downBytes);
    if (round % 2 === 0) entry.close({ ...counters, closedAtMs: startMs + 5, closeReason: "finished" });
    if (round === 4) entry.waive();
  }
  const segment = readSegments(directory).find((bytes) => bytes[1] !== 0) ?? Buffer.alloc(0);
  await journal.close();
  return { segment, most };
}

test("M06: a journal that is cut at any byte or has any bit changed is read without a crash, and bills nothing that was not written", async () => {
  const { segment, most } = await recordSample();
  const sample = segment.subarray(0, sampleBytes);
  expect(sample).toHaveLength(sampleBytes);
  const figures = { crashes: 0, overBilled: 0 };
  function replay(bytes: Buffer): void {
    try {
      for (const { id, upBytes, downBytes } of replaySegments([bytes])?.sample.counters ?? [])
        figures.overBilled += Math.max(0, upBytes + downBytes - (most.get(id) ?? 0));
    } catch {
      figures.crashes += 1;
    }
  }
  for (let length = 0; length <= sample.length; length += 1) replay(sample.subarray(0, length));
  for (let bit = 0; bit < sample.length * 8; bit += 1) {
    const changed = Buffer.from(sample);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    replay(changed);
  }
  printFigure("M06", { truncations: sample.length + 1, bitFlips: sample.length * 8, ...figures });
  expect(figures).toEqual({ crashes: 0, overBilled: 0 });
}, 60_000);

test("what stands before a damaged record is billed whole, and what stands behind it is not guessed", async () => {
  const { segment } = await recordSample();
  const whole = replaySegments([segment]);
  expect(whole?.sample.counters).toHaveLength(5);
  const second = segment.indexOf("ses_1");
  const damaged = Buffer.from(segment);
  damaged[second] = 0x58;
  expect(replaySegments([damaged])?.sample.counters).toEqual([
    { id: "ses_0", openedAtMs: startMs, upBytes: 828, downBytes: 524_288, closedAtMs: startMs + 5, closeReason: "finished" },
  ]);
});

test("files that hold no journal are none", () => {
  expect(replaySegments([Buffer.alloc(0), Buffer.alloc(100), Buffer.from("KVJ1 but no record")])).toBeNull();
});
