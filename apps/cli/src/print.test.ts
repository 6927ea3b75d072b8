import { expect, test } from "vitest";
import { bytes, table, toJson, usd } from "./print.ts";

test("JSON carries big integers as plain digits", () => {
  expect(toJson({ bytes: 9_007_199_254_740_993n, due: -5n, at: new Date(0) })).toBe(
    '{\n  "bytes": 9007199254740993,\n  "due": -5,\n  "at": "1970-01-01T00:00:00.000Z"\n}',
  );
});

test("text that only looks like a marked number stays text", () => {
  expect(toJson({ label: "bigint: 5" })).toContain('"bigint: 5"');
});

test.each([
  [0n, "0.000000"],
  [1n, "0.000001"],
  [1_234_567n, "1.234567"],
  [-2_500_000n, "-2.500000"],
])("%d micro-USD is printed as %s", (amount, text) => {
  expect(usd(amount)).toBe(text);
});

test.each([
  [999_999n, "999999 B"],
  [1_000_000n, "0.001 GB"],
  [1_234_567_890n, "1.234 GB"],
  [-5_000_000_000n, "-5.000 GB"],
])("%d bytes are printed as %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test("a table lines its columns up, numbers to the right", () => {
  const columns = [
    { title: "NAME", value: (row: { name: string; count: number }) => row.name },
    { title: "N", value: (row: { name: string; count: number }) => String(row.count), isNumber: true },
  ];
  expect(
    table(
      [
        { name: "a", count: 5 },
        { name: "long", count: 12_345 },
      ],
      columns,
    ),
  ).toBe("NAME      N\na         5\nlong  12345");
  expect(table([], columns)).toBe("none");
});
