import { describe, expect, test } from "vitest";
import { chiSquareP, percentile } from "./router-figures.ts";

describe("the router's figures", () => {
  test("a percentile is a value that was seen", () => {
    const seen = [1, 2, 3, 4, 100];
    expect([0, 0.5, 0.8, 0.99, 1].map((share) => percentile(seen, share))).toEqual([1, 3, 4, 100, 100]);
  });

  // 100 degrees of freedom: the tables give 118.498 for 0.1 and 149.449 for 0.001.
  test.each([
    [118.498, 0.1],
    [149.449, 0.001],
    [82.358, 0.9],
  ])("a chi-square of %d over 101 shares has the chance %d", (statistic, chance) => {
    const expected = 1_000;
    // Two shares that are off by the same amount up and down make up the whole statistic.
    const off = Math.sqrt((statistic * expected) / 2);
    const counts = [expected + off, expected - off, ...Array.from({ length: 99 }, () => expected)];
    expect(chiSquareP(counts, expected * 101)).toBeCloseTo(chance, 2);
  });
});
