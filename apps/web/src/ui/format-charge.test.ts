import { expect, test } from "vitest";
import { formatCharge } from "./format-charge.ts";

test.each([
  [1_500n, "USD", "$15.00"],
  [123_456_789n, "USD", "$1,234,567.89"],
  [18_975_700n, "UZS", "189,757 UZS"],
  [18_975_750n, "UZS", "189,757.50 UZS"],
] as const)("%s smallest units of %s are %s", (minor, currency, text) => {
  expect(formatCharge(minor, currency)).toBe(text);
});
