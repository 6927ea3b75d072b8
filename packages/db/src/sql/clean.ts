/**
 * Makes what came over the network storable. PostgreSQL refuses a NUL character and half of a surrogate pair anywhere in a
 * text; one such host name would hold up a gateway's whole report, so they are replaced instead.
 */
const nul = String.fromCodePoint(0);
const suspicious = new RegExp(`[${nul}\\ud800-\\udfff]`);

export function cleanText(text: string): string {
  return suspicious.test(text) ? Buffer.from(text.replaceAll(nul, "\u{FFFD}"), "utf8").toString("utf8") : text;
}

/** JSON for a `jsonb` parameter: texts cleaned, bigints as digits. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === "string") return cleanText(item);
    return typeof item === "bigint" ? item.toString() : item;
  });
}

/** A measured number as the integer that the column holds; null when it is not a number at all. */
export function whole(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? Math.round(value) : null;
}

let secondMs = Number.NaN;
let secondText = "";

/** RFC 3339 in UTC with milliseconds. The text of the last second is kept: a flush writes thousands that follow each other. */
export function instant(ms: number): string {
  const rest = ms % 1_000;
  if (rest < 0 || !Number.isInteger(ms)) return new Date(ms).toISOString();
  if (ms - rest !== secondMs) {
    secondMs = ms - rest;
    secondText = new Date(secondMs).toISOString().slice(0, -4);
  }
  return `${secondText}${String(rest).padStart(3, "0")}Z`;
}

/** A `text[]`, number or time parameter in PostgreSQL's array syntax, for elements that need no quotes. */
export function plainArray(elements: readonly (string | number | null)[]): string {
  return `{${elements.map((element) => element ?? "NULL").join(",")}}`;
}

export function instantOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : instant(ms);
}
