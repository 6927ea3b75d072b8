import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatCountOf,
  formatExactBytes,
  formatExactUsd,
  formatFixed,
  formatGb,
  formatLedgerAmount,
  formatPricePerGb,
  formatRate,
  formatUsd,
  formatUsdDown,
  formatWholeGb,
} from "./format.ts";

describe("formatBytes", () => {
  test.each([
    [0n, "0 B"],
    [999n, "999 B"],
    [1_000n, "1.00 kB"],
    [10_485_760n, "10.5 MB"],
    [250_000_000n, "250 MB"],
    [1_000_000_000n, "1.00 GB"],
    [1_023_400_000_000n, "1.02 TB"],
    [-2_500n, "-2.50 kB"],
    [9_000_000_000_000_000_000n, "9,000 PB"],
  ])("writes %s as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test("takes numbers and rounds a fraction of a byte", () => {
    expect(formatBytes(1536.6)).toBe("1.54 kB");
    expect(formatRate(1_200_000)).toBe("1.20 MB/s");
  });
});

describe("formatGb", () => {
  test("moves visibly after twelve megabytes of five gigabytes", () => {
    expect(formatGb(5_000_000_000n)).toBe("5.000 GB");
    expect(formatGb(4_987_500_000n)).toBe("4.988 GB");
    expect(formatGb(1_000_000_000_000n)).toBe("1,000.000 GB");
  });
});

describe("formatWholeGb", () => {
  test("has no decimals that a comma beside them makes look like thousands", () => {
    expect(formatWholeGb(100_000_000_000n)).toBe("100 GB");
    expect(formatWholeGb(1_000_000_000_000n)).toBe("1,000 GB");
  });
});

describe("formatUsd", () => {
  test.each([
    [0n, "$0.00"],
    [1n, "$0.000001"],
    [36_000n, "$0.036"],
    [100_000n, "$0.10"],
    [999_999n, "$0.999999"],
    [1_000_000n, "$1.00"],
    [14_964_000n, "$14.96"],
    [-31_457n, "-$0.031457"],
    [-1_500_000n, "-$1.50"],
    [1_234_567_890_000n, "$1,234,567.89"],
  ])("writes %s micro-USD as %s", (micro, text) => {
    expect(formatUsd(micro)).toBe(text);
  });

  test("rounds what can be asked for down to whole cents", () => {
    expect(formatUsdDown(108_606_221n)).toBe("$108.60");
    expect(formatUsdDown(999_999n)).toBe("$0.99");
    expect(formatUsdDown(9_999n)).toBe("$0.00");
  });

  test("keeps every micro-dollar in the exact form", () => {
    expect(formatExactUsd(31_457n)).toBe("$0.031457");
    expect(formatExactUsd(-15_000_000n)).toBe("-$15.000000");
  });

  test("writes a price per byte as a price per GB", () => {
    expect(formatPricePerGb(3_000n)).toBe("$3.00 / GB");
    expect(formatPricePerGb(2_850n)).toBe("$2.85 / GB");
  });
});

describe("formatFixed", () => {
  test("rounds half away from zero and never writes a negative zero", () => {
    expect(formatFixed(15n, 10n, 0)).toBe("2");
    expect(formatFixed(-15n, 10n, 0)).toBe("-2");
    expect(formatFixed(-4n, 10n, 0)).toBe("0");
  });
});

describe("formatCountOf", () => {
  test("uses the singular for one only", () => {
    expect(formatCountOf(1, "node")).toBe("1 node");
    expect(formatCountOf(0, "node")).toBe("0 nodes");
    expect(formatCountOf(12_000n, "proxy user")).toBe("12,000 proxy users");
  });
});

describe("formatLedgerAmount", () => {
  test("shows the sign and the asset's own unit", () => {
    expect(formatLedgerAmount("BYTE", 5_000_000_000n)).toBe("+5,000,000,000 B");
    expect(formatLedgerAmount("BYTE", -12n)).toBe("-12 B");
    expect(formatLedgerAmount("USD6", -36_000n)).toBe("-$0.036000");
    expect(formatExactBytes(10_485_760n)).toBe("10,485,760 B");
  });
});
