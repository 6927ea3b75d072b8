/** Reads as many pages as --limit asks for. Limit: 10,000 rows, 50 when nothing is said. */
import type { Page } from "@karvon/services";
import type { Input } from "./command.ts";

const rowsMax = 10_000;
const rowsDefault = 50;
const pageRowsMax = 100;

export const limitOption = { limit: "N         at most N rows (50 when left out)" };

export async function readAll<Row>(
  input: Input,
  readPage: (page: { cursor?: string; limit: number }) => Promise<Page<Row>>,
): Promise<Row[]> {
  const wanted = input.number("limit", 1, rowsMax) ?? rowsDefault;
  const rows: Row[] = [];
  let cursor: string | null = null;
  while (rows.length < wanted) {
    const limit = Math.min(pageRowsMax, wanted - rows.length);
    const page: Page<Row> = await readPage(cursor === null ? { limit } : { limit, cursor });
    rows.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return rows;
}
