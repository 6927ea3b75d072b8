/** Keyset pages: a cursor names the last row seen, so a page costs the same however deep it is. */
import { AppError } from "@karvon/domain";
import { pageSizeDefault } from "./inputs/common.ts";
import type { Page } from "./views.ts";

export interface TimeCursor {
  readonly at: Date;
  readonly id: string;
}

const cursorPattern = /^(\d{1,15})~([\w-]{1,64})$/;

export function writeTimeCursor(at: Date, id: string): string {
  return `${at.getTime()}~${id}`;
}

/** Far in the future when there is no cursor, so that one statement serves the first page and the next ones. */
export function readTimeCursor(cursor: string | undefined): TimeCursor {
  if (cursor === undefined) return { at: new Date(Date.UTC(9999, 0)), id: "~" };
  const found = cursorPattern.exec(cursor);
  const at = new Date(Number(found?.[1] ?? Number.NaN));
  const id = found?.[2];
  if (id === undefined || Number.isNaN(at.getTime())) throw new AppError("INPUT_INVALID", "This page link is not valid any more.");
  return { at, id };
}

const numberCursorMax = 2n ** 63n - 1n;

/** For tables that count their rows; the greatest bigint when there is no cursor. */
export function readNumberCursor(cursor: string | undefined): bigint {
  if (cursor === undefined) return numberCursorMax;
  if (!/^\d{1,19}$/.test(cursor) || BigInt(cursor) > numberCursorMax)
    throw new AppError("INPUT_INVALID", "This page link is not valid any more.");
  return BigInt(cursor);
}

export function pageSize(input: { readonly limit?: number | undefined }): number {
  return input.limit ?? pageSizeDefault;
}

/** Makes a page of rows that were asked for with one more than the page holds. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string,
  show: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(show), nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** A search text as an ILIKE pattern that matches it literally, anywhere. */
export function containing(search: string): string {
  return `%${search.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;
}
