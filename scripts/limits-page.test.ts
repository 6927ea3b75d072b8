import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** `| what | value | `name` in `path` | ...`, as docs/limits.md writes it. */
const rowPattern = /^\| ([^|]+) \| ([\d.,]+) \| `(\w+)` in `([^`]+)` \|/;

const page = readFileSync("docs/limits.md", "utf8").split("\n");
const rows = page.flatMap((line) => {
  const [, what = "", value = "", name = "", path = ""] = rowPattern.exec(line) ?? [];
  return what === "" ? [] : [{ what, value: Number(value.replaceAll(",", "")), name, path }];
});

const units: Readonly<Record<string, number>> = { kb: 1_024, mb: 1_048_576 };

/** A product of literals, as constants are written: `12 * 3_600_000`, `64 * kb`. */
function valueOf(expression: string): number {
  return expression
    .split("*")
    .map((factor) => units[factor.trim()] ?? Number(factor.trim().replaceAll("_", "")))
    .reduce((product, factor) => product * factor, 1);
}

/** What the source says a constant or a member of a table of defaults is; the first line that gives it a number. */
function constantIn(path: string, name: string): number {
  const assignment = new RegExp(`\\b${name}(?: =|:) ([\\d._]+(?: \\* \\w+)*)[;,]`);
  const found = assignment.exec(readFileSync(path, "utf8"))?.[1];
  if (found === undefined) throw new Error(`${path} gives ${name} no number`);
  return valueOf(found);
}

test("the page of limits has its rows, and every row of a table names a constant or says where else the value is", () => {
  const bodies = page.filter((line) => line.startsWith("| ") && !line.startsWith("| limit "));
  expect(bodies.filter((line) => !rowPattern.test(line))).toEqual([expect.stringContaining("| its row | - |")]);
  expect(rows.length).toBeGreaterThan(50);
});

test.each(rows)("$what: the page says what $name is", ({ value, name, path }) => {
  expect(value).toBe(constantIn(path, name));
});
