import fc from "fast-check";
import { expect, test } from "vitest";
import { readGb, readUsd } from "./money.ts";

test.each([
  ["0", 0n],
  ["12.5", 12_500_000n],
  ["-0.000001", -1n],
  ["999999999999.999999", 999_999_999_999_999_999n],
])("%s USD are %s micro-USD", (text, expected) => {
  expect(readUsd(text)).toBe(expected);
});

test("every amount is read back as it is written", () => {
  fc.assert(
    fc.property(
      fc.bigInt(0n, 10n ** 18n - 1n),
      (micro) => readUsd(`${micro / 1_000_000n}.${String(micro % 1_000_000n).padStart(6, "0")}`) === micro,
    ),
    { numRuns: 2_000 },
  );
});

test.each(["", ".5", "5.", "1e3", "0.0000001", "1,5", "+1", " 1", "NaN", "--1", "1234567890123"])("%j are no dollars", (text) => {
  expect(readUsd(text)).toBeNull();
});

test("a byte is the ninth decimal of a gigabyte", () => {
  expect(readGb("-1.000000001")).toBe(-1_000_000_001n);
  expect(readGb("1.0000000001")).toBeNull();
});
