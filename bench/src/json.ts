/**
 * Reading JSON that another program printed, without trusting its shape.
 * Numbers that are absent come back as undefined; nothing throws but `readObject` on text that is no JSON object.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new TypeError("expected one JSON object");
  return value;
}

/** The value at a path like ["memory", "server", "rssKb"]. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let at: unknown = object;
  for (const name of path) at = isObject(at) ? at[name] : undefined;
  return at;
}

export function numberAt(object: unknown, path: readonly string[]): number | undefined {
  const value = valueAt(object, path);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function textAt(object: unknown, path: readonly string[]): string | undefined {
  const value = valueAt(object, path);
  return typeof value === "string" ? value : undefined;
}
