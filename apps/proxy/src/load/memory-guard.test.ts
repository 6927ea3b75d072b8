import { createLogger } from "@karvon/telemetry";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { LiveSession } from "../radar/session-log.ts";
import {
  collectAfterShare,
  createMemoryGuard,
  judgeMemory,
  lookAfterShare,
  type MemoryGuard,
  type MemoryLevel,
  shedAtOnceMax,
} from "./memory-guard.ts";

test.each<[MemoryLevel, number, MemoryLevel]>([
  ["normal", 0.699, "normal"],
  ["normal", 0.7, "tight"],
  ["normal", 0.849, "tight"],
  ["normal", 0.85, "full"],
  ["normal", 0.949, "full"],
  ["normal", 0.95, "critical"],
  ["critical", 0.91, "critical"],
  ["critical", 0.89, "full"],
  ["full", 0.81, "full"],
  ["full", 0.79, "tight"],
  ["tight", 0.66, "tight"],
  ["tight", 0.64, "normal"],
  ["critical", 0, "normal"],
])("from %s, %d of the budget is %s", (now, share, next) => {
  expect(judgeMemory(share, now)).toBe(next);
});

interface Holder {
  readonly held: number;
  cutFor: string | null;
}

/** What the guard reads of a session is all that it has. */
function sessionOf(holder: Holder): LiveSession {
  const session = { stream: { heldBytes: holder.held }, line: { cut: (reason: string) => void (holder.cutFor = reason) } };
  return Object.assign(Object.create(null), session);
}

/** Every look is a tenth of a second after the last. */
function guardOf(holders: Holder[], readings: number[]): { guard: MemoryGuard; collected: () => number } {
  let collections = 0;
  let nowMs = 0;
  const guard = createMemoryGuard({
    budgetBytes: 1_000_000,
    readUsedBytes: () => readings.shift() ?? 0,
    collect: () => void (collections += 1),
    listSessions: () => holders.filter((holder) => holder.cutFor === null).map(sessionOf),
    monotonicMs: () => nowMs,
    log: createLogger({ name: "test", write: () => undefined }),
  });
  const measure = guard.measure.bind(guard);
  guard.measure = () => {
    nowMs += 100;
    measure();
  };
  return { guard, collected: () => collections };
}

test("the largest holders are ended until enough is free, and those that hold next to nothing never", () => {
  const holders = [20_000, 400_000, 100_000, 300_000, 1_000].map((held): Holder => ({ held, cutFor: null }));
  const { guard } = guardOf(holders, [1_500_000, 1_500_000]);
  guard.measure();
  expect(holders.map(({ cutFor }) => cutFor)).toEqual([null, "memory_shed", null, "memory_shed", null]);
  expect([guard.level, guard.shedCount]).toEqual(["critical", 2]);
});

test("so many are ended at once and not one more", () => {
  const holders = Array.from({ length: shedAtOnceMax + 1 }, (): Holder => ({ held: 16_384, cutFor: null }));
  const { guard } = guardOf(holders, Array(6).fill(900_000_000));
  const counts = [1, 2, 3, 4].map(() => {
    guard.measure();
    return guard.shedCount;
  });
  expect(counts).toEqual([shedAtOnceMax, shedAtOnceMax, shedAtOnceMax, shedAtOnceMax + 1]);
});

test("nobody is ended for garbage, nor for what the ended ones held", () => {
  const holders = Array.from({ length: 3 }, (): Holder => ({ held: 400_000, cutFor: null }));
  // At first all is garbage. Then the memory of the first that is ended is counted until it is collected.
  const readings = [1_200_000, 500_000, 500_000, 500_000, 1_200_000, 1_200_000, 1_200_000, 1_200_000, 1_200_000, 800_000];
  const { guard, collected } = guardOf(holders, readings);
  const looks = Array.from({ length: 7 }, () => {
    guard.measure();
    return [guard.shedCount, collected()];
  });
  expect(looks).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 3],
  ]);
});

test("garbage is collected again and again while sessions are refused, also when less than the step is used", () => {
  const { guard, collected } = guardOf([], [860_000, 860_000, ...Array<number>(60).fill(830_000)]);
  for (let look = 0; look < 55; look += 1) guard.measure();
  expect([guard.level, collected()]).toEqual(["full", 3]);
});

test("garbage is collected before anybody is refused, and not again within two seconds", () => {
  const { guard, collected } = guardOf([], [900_000, 500_000, 900_000, 860_000, 100_000]);
  guard.measure();
  expect([guard.refuseSession(), guard.isHigh, collected()]).toEqual([null, false, 1]);
  guard.measure();
  expect([guard.refuseSession()?.code, guard.isHigh, collected()]).toEqual(["overloaded", true, 1]);
  guard.measure();
  guard.measure();
  expect([guard.refuseSession(), guard.isHigh]).toEqual([null, false]);
});

test("what comes to wait is looked at by its size, when whoever brought it has returned, and collected by its size", async () => {
  const holders = [
    { held: 400_000, cutFor: null },
    { held: 300_000, cutFor: null },
  ] satisfies Holder[];
  const budgetBytes = 1_000_000;
  const { guard, collected } = guardOf(holders, [970_000, 970_000, 970_000, 970_000, 970_000, 970_000]);
  guard.noteHeld(budgetBytes * lookAfterShare - 1);
  await setImmediate();
  expect(guard.usedBytes).toBe(0);
  guard.noteHeld(1);
  guard.noteHeld(1);
  expect(guard.usedBytes).toBe(0);
  await setImmediate();
  // Due by the clock the first time, and half as much as is due by size came with it.
  expect([guard.usedBytes, collected(), guard.shedCount]).toEqual([970_000, 1, 1]);
  guard.noteHeld(budgetBytes * collectAfterShare - 1);
  await setImmediate();
  expect([collected(), guard.shedCount]).toEqual([1, 1]);
  guard.noteHeld(budgetBytes * lookAfterShare);
  await setImmediate();
  expect([collected(), guard.shedCount]).toEqual([2, 2]);
});
