/** Results as JSON for programs and as tables for people. */
export interface Result {
  /** What --json prints, whole. */
  readonly json: unknown;
  /** What a person reads. */
  readonly text: string;
  /** 1 when the command worked and its finding is bad (a reconciliation that does not add up). */
  readonly exitCode?: number;
}

const mark = "bigint:";
const marked = new RegExp(`"${mark}(-?\\d+)"`, "g");

/** JSON with big integers as plain digits, never as text, so that programs can add them up. Dates are ISO 8601. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? `${mark}${inner}` : inner), 2);
  return text.replace(marked, "$1");
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Numbers stand to the right. */
  readonly isNumber?: boolean;
}

export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  if (rows.length === 0) return "none";
  const cells = [columns.map((column) => column.title), ...rows.map((row) => columns.map((column) => column.value(row)))];
  const widths = columns.map((_column, index) => Math.max(...cells.map((line) => (line[index] ?? "").length)));
  return cells
    .map((line) =>
      line
        .map((cell, index) => {
          const width = widths[index] ?? 0;
          return columns[index]?.isNumber === true ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** 1234567 micro-USD as "1.234567". */
export function usd(microUsd: bigint): string {
  const digits = (microUsd < 0n ? -microUsd : microUsd).toString().padStart(7, "0");
  return `${microUsd < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

/** Bytes as GB (10^9) with three decimals, and exactly below 1 MB. */
export function bytes(count: bigint): string {
  const size = count < 0n ? -count : count;
  if (size < 1_000_000n) return `${count} B`;
  const milliGb = size / 1_000_000n;
  return `${count < 0n ? "-" : ""}${milliGb / 1000n}.${(milliGb % 1000n).toString().padStart(3, "0")} GB`;
}

export function moment(at: Date | null): string {
  return at === null ? "-" : at.toISOString().slice(0, 19).replace("T", " ");
}
