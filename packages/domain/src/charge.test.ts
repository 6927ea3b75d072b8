import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chargeMinor, formatMinor, parseMinor } from "./charge.ts";

const usd = { minorPerUsd: 100n, step: 1n };

describe("a charge", () => {
  test("is the price where the currency can say it, and the next smallest unit where it cannot", () => {
    expect(chargeMinor(15_000_000n, usd)).toBe(1_500n);
    expect(chargeMinor(15_000_001n, usd)).toBe(1_501n);
    expect(chargeMinor(0n, usd)).toBe(0n);
    expect(chargeMinor(3_000_000n, { minorPerUsd: 1_265_045n, step: 100n })).toBe(3_795_200n);
  });

  test("never falls short of the price, and exceeds it by less than one step", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
    const rate = fc.bigInt({ min: 1n, max: 10n ** 10n });
    const step = fc.constantFrom(1n, 100n);
    fc.assert(
      fc.property(amount, rate, step, (amountMicroUsd, minorPerUsd, one) => {
        const charged = chargeMinor(amountMicroUsd, { minorPerUsd, step: one });
        const exact = amountMicroUsd * minorPerUsd;
        return charged % one === 0n && charged * 1_000_000n >= exact && (charged - one) * 1_000_000n < exact;
      }),
      { numRuns: 2_000 },
    );
  });

  test("has no sense for negative amounts and rates of nothing", () => {
    expect(() => chargeMinor(-1n, usd)).toThrow(RangeError);
    expect(() => chargeMinor(1n, { minorPerUsd: 0n, step: 1n })).toThrow(RangeError);
  });

  test.each([
    ["1000", 100_000n],
    ["1000.5", 100_050n],
    ["0.01", 1n],
    ["1000.5000", 100_050n],
  ])("reads %s", (text, minor) => expect(parseMinor(text)).toBe(minor));

  test.each(["", "-1", "1e3", "1,000", "1.001", ".5", "1.", " 1"])("does not read %j", (text) => expect(parseMinor(text)).toBeNull());

  test("is written with two decimals", () => expect([5n, 1_265_045n].map((minor) => formatMinor(minor))).toEqual(["0.05", "12650.45"]));
});
