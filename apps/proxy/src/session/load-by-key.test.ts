import { expect, test } from "vitest";
import { type Lane, LoadByKey, type LoadByKeyOptions } from "./load-by-key.ts";

function loadOf(change: Partial<LoadByKeyOptions>): { load: LoadByKey; pass: (ms: number) => void } {
  let nowMs = 0;
  const load = new LoadByKey({ openMax: 0, perSecond: 0, burst: 0, keysMax: 100, monotonicMs: () => nowMs, ...change });
  return { load, pass: (ms) => void (nowMs += ms) };
}

function enter(load: LoadByKey, key: string): Lane {
  const lane = load.enter(key);
  if (typeof lane === "string") throw new Error(lane);
  return lane;
}

test("a key may have so many open as its limit and not one more, whatever others have", () => {
  const { load } = loadOf({ openMax: 3 });
  const lanes = ["a", "a", "a"].map((key) => enter(load, key));
  expect([load.enter("a"), typeof load.enter("b")]).toEqual(["too-many", "object"]);
  lanes.slice(0, 1).forEach((lane) => load.leave(lane));
  expect([typeof load.enter("a"), load.enter("a")]).toEqual(["object", "too-many"]);
});

test("a key may open its burst at once and its rate afterwards", () => {
  const { load, pass } = loadOf({ perSecond: 2, burst: 3 });
  const tries = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const lane = load.enter("a");
      if (typeof lane === "string") return lane;
      load.leave(lane);
      return "in";
    });
  expect(tries(4)).toEqual(["in", "in", "in", "too-fast"]);
  pass(500);
  expect(tries(2)).toEqual(["in", "too-fast"]);
  pass(3_600_000);
  expect(tries(4)).toEqual(["in", "in", "in", "too-fast"]);
});

test("who leaves uncounted gives back what it took from the rate", () => {
  const { load } = loadOf({ perSecond: 1, burst: 1 });
  for (let round = 0; round < 10; round += 1) load.leaveUncounted(enter(load, "a"));
  load.leave(enter(load, "a"));
  expect(load.enter("a")).toBe("too-fast");
});

test("no limit is no limit", () => {
  const { load } = loadOf({});
  expect(new Set(Array.from({ length: 10_000 }, () => typeof load.enter("a")))).toEqual(new Set(["object"]));
});

test("idle keys make room for new ones, busy ones never, and beyond all room nobody is refused", () => {
  const { load } = loadOf({ openMax: 1, keysMax: 10 });
  for (let key = 0; key < 8; key += 1) load.leave(enter(load, `idle${key}`));
  enter(load, "busy1");
  enter(load, "busy2");
  enter(load, "new");
  expect([load.size, load.enter("busy1"), load.enter("busy2")]).toEqual([3, "too-many", "too-many"]);
  for (let key = 0; key < 20; key += 1) enter(load, `more${key}`);
  expect(load.size).toBe(10);
  load.leave(enter(load, "uncounted"));
});
