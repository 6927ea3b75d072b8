/** What gateway processes write to each other about limits that they keep together. Limit: 1,000 keys a letter. */
import type { CountNews, SharedCounts } from "../session/shared-count.ts";
import { type Fields, isCount, isText, readList } from "./read-fields.ts";

export type CountKind = keyof SharedCounts;

export interface CountLetter extends CountNews {
  readonly kind: "counts";
  readonly of: CountKind;
}

export const countsPerLetterMax = 1_000;
export const countKinds: readonly CountKind[] = ["clients", "users", "targets", "guesses"];

export function readCountLetter(letter: Fields): CountLetter | null {
  if (letter["kind"] !== "counts") return null;
  const of = countKinds.find((kind) => kind === letter["of"]);
  const open = readList(letter["open"], countsPerLetterMax, readOpen);
  const began = readList(letter["began"], countsPerLetterMax, readBegan);
  return of === undefined || open === null || began === null ? null : { kind: "counts", of, open, began };
}

function readOpen(value: unknown): CountNews["open"][number] | null {
  if (!Array.isArray(value)) return null;
  const [key, open]: unknown[] = value;
  return isText(key) && isCount(open) ? [key, open] : null;
}

function readBegan(value: unknown): CountNews["began"][number] | null {
  if (!Array.isArray(value)) return null;
  const [key, began, ceiling]: unknown[] = value;
  return isText(key) && isCount(began) && isCount(ceiling) ? [key, began, ceiling] : null;
}
