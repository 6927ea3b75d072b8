import { describe, expect, test } from "vitest";
import { defaultLimits } from "./limits.ts";
import { WindowPacer } from "./window-pacer.ts";

const kb = 1_024;

function pacerAfter(...samples: readonly (readonly [rttMs: number, busyStreams: number])[]): WindowPacer {
  const pacer = new WindowPacer(defaultLimits);
  for (const [rttMs, busyStreams] of samples) pacer.sample(rttMs, busyStreams);
  return pacer;
}

describe("the window pacer", () => {
  test("starts at 64 KB and doubles while the round trip stays short and windows are used up", () => {
    expect(pacerAfter().windowBytes).toBe(64 * kb);
    expect(pacerAfter([50, 1], [55, 1]).windowBytes).toBe(256 * kb);
  });

  test("does not grow for a trickle", () => {
    expect(pacerAfter([50, 0], [50, 0], [50, 0]).windowBytes).toBe(64 * kb);
  });

  test("grows by a quarter after it has once seen a queue", () => {
    expect(pacerAfter([50, 1], [50, 1], [100, 1], [55, 1]).windowBytes).toBe(320 * kb);
  });

  test("stands still while the queue is between 30 and 80 ms", () => {
    const pacer = pacerAfter([50, 1], [110, 1]);
    expect([pacer.windowBytes, pacer.hasQueue]).toEqual([128 * kb, true]);
  });

  test("shrinks at a queue of more than 80 ms, by half at most, and never under 32 KB", () => {
    expect(pacerAfter([50, 1], [50, 1], [135, 1]).windowBytes).toBe(Math.round(256 * kb * (90 / 135)));
    expect(pacerAfter([50, 1], [50, 1], [2_000, 1]).windowBytes).toBe(128 * kb);
    expect(pacerAfter([50, 1], ...Array.from({ length: 10 }, () => [900, 1] as const)).windowBytes).toBe(32 * kb);
  });

  test("recovers when the line itself has become longer", () => {
    const longer = Array.from({ length: 30 }, () => [400, 1] as const);
    expect(pacerAfter([50, 1], ...longer.slice(0, 10)).windowBytes).toBe(32 * kb);
    expect(pacerAfter([50, 1], ...longer).windowBytes).toBeGreaterThan(128 * kb);
  });

  test("never exceeds 4 MB for one stream, nor for the busy streams together", () => {
    const grown = Array.from({ length: 20 }, () => [5, 1] as const);
    expect(pacerAfter(...grown).windowBytes).toBe(4_096 * kb);
    expect(pacerAfter(...grown, [5, 16]).windowBytes).toBe(256 * kb);
    expect(pacerAfter(...grown, [5, 1_000]).windowBytes).toBe(32 * kb);
  });
});
