import { describe, expect, test } from "vitest";
import { defaultLimits } from "./limits.ts";
import { WindowPacer } from "./window-pacer.ts";

const kb = 1_024;
const lots = 1e9;

function pacerAfter(...samples: readonly (readonly [rttMs: number, receivedBytes: number, activeStreams: number])[]): WindowPacer {
  const pacer = new WindowPacer(defaultLimits);
  for (const [rttMs, receivedBytes, activeStreams] of samples) pacer.sample(rttMs, receivedBytes, activeStreams);
  return pacer;
}

describe("the window pacer", () => {
  test("starts at 64 KB and doubles while the round trip stays short and the windows are used up", () => {
    expect(pacerAfter().windowBytes).toBe(64 * kb);
    expect(pacerAfter([50, lots, 1], [55, lots, 1]).windowBytes).toBe(256 * kb);
  });

  test("does not grow for a trickle", () => {
    expect(pacerAfter([50, 1_000, 1], [50, 1_000, 1], [50, 0, 0]).windowBytes).toBe(64 * kb);
  });

  test("grows by a quarter after it has once seen a queue", () => {
    expect(pacerAfter([50, lots, 1], [50, lots, 1], [100, lots, 1], [55, lots, 1]).windowBytes).toBe(320 * kb);
  });

  test("stands still while the queue is between 30 and 80 ms", () => {
    const pacer = pacerAfter([50, lots, 1], [110, lots, 1]);
    expect([pacer.windowBytes, pacer.hasQueue]).toEqual([128 * kb, true]);
  });

  test("shrinks at a queue of more than 80 ms, by half at most, and never under 32 KB", () => {
    expect(pacerAfter([50, lots, 1], [50, lots, 1], [135, lots, 1]).windowBytes).toBe(Math.round(256 * kb * (90 / 135)));
    expect(pacerAfter([50, lots, 1], [50, lots, 1], [2_000, lots, 1]).windowBytes).toBe(128 * kb);
    expect(pacerAfter([50, lots, 1], ...Array.from({ length: 20 }, () => [900, lots, 1] as const)).windowBytes).toBe(32 * kb);
  });

  test("never exceeds 4 MB for one stream, nor for the active streams together", () => {
    const grown = Array.from({ length: 20 }, () => [5, lots, 1] as const);
    expect(pacerAfter(...grown).windowBytes).toBe(4_096 * kb);
    expect(pacerAfter(...grown, [5, lots, 16]).windowBytes).toBe(256 * kb);
    expect(pacerAfter(...grown, [5, lots, 1_000]).windowBytes).toBe(32 * kb);
  });
});
