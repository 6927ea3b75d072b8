import { describe, expect, test } from "vitest";
import { countryName, formatAgo, formatCountdown, formatDuration } from "./format-time.ts";

describe("formatDuration", () => {
  test.each([
    [840, "840 ms"],
    [12_400, "12 s"],
    [185_000, "3 m 05 s"],
    [7_800_000, "2 h 10 m"],
    [356_400_000, "4 d 3 h"],
    [-5, "0 ms"],
  ])("writes %s ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe("formatAgo", () => {
  const now = 1_700_000_000_000;
  test.each([
    [0, "just now"],
    [-4_000, "just now"],
    [12_000, "12 s ago"],
    [300_000, "5 min ago"],
    [10_800_000, "3 h ago"],
    [172_800_000, "2 d ago"],
  ])("writes %s ms before now as %s", (age, text) => {
    expect(formatAgo(new Date(now - age), now)).toBe(text);
  });
});

describe("formatCountdown", () => {
  test("counts whole seconds down to zero and stops there", () => {
    expect(formatCountdown(600_000)).toBe("10:00");
    expect(formatCountdown(61_200)).toBe("1:02");
    expect(formatCountdown(-10)).toBe("0:00");
  });
});

describe("countryName", () => {
  test("names a country and leaves what is not one as it is", () => {
    expect(countryName("DE")).toBe("Germany");
    expect(countryName("zz!")).toBe("zz!");
  });
});
