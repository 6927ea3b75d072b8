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

  const times = (count: number, rttMs: number) => Array.from({ length: count }, () => [rttMs, 1] as const);

  test("shrinks when a queue of more than 80 ms stays, by half at most, and never under 32 KB", () => {
    expect(pacerAfter([50, 1], [50, 1], ...times(3, 135)).windowBytes).toBe(256 * kb);
    expect(pacerAfter([50, 1], [50, 1], ...times(4, 135)).windowBytes).toBe(Math.round(256 * kb * (90 / 135)));
    expect(pacerAfter([50, 1], [50, 1], ...times(4, 2_000)).windowBytes).toBe(128 * kb);
    expect(pacerAfter([50, 1], ...times(16, 900)).windowBytes).toBe(32 * kb);
  });

  test("keeps its window on a line that loses packets, where some round trips are long and others are not", () => {
    const lossy = Array.from({ length: 40 }, () => [...times(3, 260), ...times(1, 125)]).flat();
    expect(pacerAfter([120, 1], [120, 1], ...lossy).windowBytes).toBeGreaterThan(256 * kb);
  });

  test("takes half a round trip for a short queue on a long line", () => {
    expect(pacerAfter([600, 1], [600, 1], ...times(8, 850)).windowBytes).toBe(256 * kb);
  });

  test("recovers when the line itself has become longer", () => {
    expect(pacerAfter([50, 1], ...times(12, 400)).windowBytes).toBe(32 * kb);
    expect(pacerAfter([50, 1], ...times(40, 400)).windowBytes).toBeGreaterThan(128 * kb);
  });

  test("never exceeds 4 MB for one stream, nor for the busy streams together", () => {
    const grown = Array.from({ length: 20 }, () => [5, 1] as const);
    expect(pacerAfter(...grown).windowBytes).toBe(4_096 * kb);
    expect(pacerAfter(...grown, [5, 16]).windowBytes).toBe(256 * kb);
    expect(pacerAfter(...grown, [5, 1_000]).windowBytes).toBe(32 * kb);
  });
});
