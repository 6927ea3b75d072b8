/** Any value as one line of JSON; a bigint is written as its digits. */
export function showJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? part.toString() : part)) ?? "";
}
