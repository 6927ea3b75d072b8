import { describe, expect, test } from "vitest";
import { niceCeiling } from "./chart-theme.ts";

describe("niceCeiling", () => {
  test.each([
    [0, 7],
    [1, 1],
    [1.2, 2],
    [2.1, 2.5],
    [430, 500],
    [999_999, 1_000_000],
    [1_000_000, 1_000_000],
  ])("ends the axis of %s at %s", (max, top) => {
    expect(niceCeiling(max, 7)).toBe(top);
  });
});
