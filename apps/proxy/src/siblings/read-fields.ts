/** Checks of single fields of letters between siblings. Pure. Limit: texts of 256 characters unless told otherwise. */
export type Fields = Readonly<Record<string, unknown>>;

const textMax = 256;

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

export function isText(value: unknown, max = textMax): value is string {
  return typeof value === "string" && value.length <= max;
}

export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function isMaybe<Value>(value: unknown, is: (value: unknown) => value is Value): value is Value | null {
  return value === null || is(value);
}

export function readText(value: unknown): string | null {
  return isText(value) ? value : null;
}

/** Null when it is no list, has more than `max` items, or one that cannot be read. */
export function readList<Item>(value: unknown, max: number, read: (item: unknown) => Item | null): Item[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const items: Item[] = [];
  for (const raw of value) {
    const item = read(raw);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}
