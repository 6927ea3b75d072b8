import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { benchAfterFailures, benchMsMax, benchMsMin, NodeQuality, qualityHalfLifeMs } from "./index.ts";

function many(times: number, act: () => void): void {
  for (let i = 0; i < times; i += 1) act();
}

describe("the quality of a node", () => {
  test("is 1 for a stranger, and for one whose results are ordinary", () => {
    const quality = new NodeQuality(0);
    expect(quality.weightAt(0)).toBe(1);
    many(100, () => quality.connected(100, 0));
    expect(quality.weightAt(10_000)).toBe(1);
  });

  test.each<[string, number, (quality: NodeQuality) => void]>([
    ["failing every time", 0.05, (quality) => many(20, () => quality.failed(0))],
    ["failing half of the time", 0.25, (quality) => many(20, () => (quality.failed(0), quality.connected(50, 0)))],
    ["losing half of its sessions", 0.3, (quality) => many(20, () => (quality.connected(50, 0), quality.lost(0)))],
    ["a line that reaches nothing", 0.6, (quality) => many(20, () => quality.suspected(0))],
    ["connecting in 2 s", 0.5, (quality) => many(20, () => quality.connected(2_000, 0))],
    ["carrying 20 KB/s", 0.7, (quality) => many(20, () => quality.carried(1_000_000, 50_000, 0))],
  ])("falls by %s below %s, and comes back", (_what, below, suffer) => {
    const quality = new NodeQuality(0);
    suffer(quality);
    const hurt = quality.weightAt(10_000);
    expect(hurt).toBeLessThan(below);
    expect(quality.weightAt(qualityHalfLifeMs)).toBeGreaterThan(hurt);
    expect(quality.weightAt(qualityHalfLifeMs * 12)).toBeGreaterThan(0.95);
  });

  test("does not judge a line by small transfers", () => {
    const quality = new NodeQuality(0);
    many(50, () => quality.carried(1_000, 60_000, 0));
    expect(quality.weightAt(0)).toBe(1);
  });

  test("stays above 0 and at most 1 whatever happens", () => {
    const event = fc.record({ what: fc.nat(4), value: fc.double({ min: 0, max: 1e9, noNaN: true }), afterMs: fc.nat(10_000_000) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const quality = new NodeQuality(0);
        let nowMs = 0;
        for (const { what, value, afterMs } of events) {
          nowMs += afterMs;
          if (what === 0) quality.connected(value, nowMs);
          else if (what === 1) quality.failed(nowMs);
          else if (what === 2) quality.suspected(nowMs);
          else if (what === 3) quality.lost(nowMs);
          else quality.carried(value, afterMs, nowMs);
          const weight = quality.weightAt(nowMs);
          expect(weight).toBeGreaterThan(0);
          expect(weight).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("the bench", () => {
  test("takes a node after three failures in a row, longer each time, and not for ever", () => {
    const quality = new NodeQuality(0);
    many(benchAfterFailures - 1, () => quality.failed(0));
    expect(quality.isBenched(0)).toBe(false);
    quality.failed(0);
    expect([quality.isBenched(benchMsMin - 1), quality.isBenched(benchMsMin)]).toEqual([true, false]);
    quality.failed(0);
    expect([quality.isBenched(benchMsMin * 2 - 1), quality.isBenched(benchMsMin * 2)]).toEqual([true, false]);
    many(50, () => quality.failed(0));
    expect([quality.isBenched(benchMsMax - 1), quality.isBenched(benchMsMax)]).toEqual([true, false]);
  });

  test("is left with the first success", () => {
    const quality = new NodeQuality(0);
    many(benchAfterFailures, () => quality.failed(0));
    quality.connected(50, 1);
    expect(quality.isBenched(1)).toBe(false);
    quality.failed(1);
    expect(quality.isBenched(1)).toBe(false);
  });
});
