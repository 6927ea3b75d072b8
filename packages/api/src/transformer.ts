/**
 * Transformer: superjson's format, written faster.
 *
 * What leaves the API is plain objects and lists of text, numbers, dates and bigints. superjson finds that out by
 * walking everything twice and comparing identities, which costs more than the rest of a call; one walk is enough
 * here. Whatever else turns up is left to superjson, and reading is superjson's throughout, so the browser's side
 * does not know the difference.
 */
import superjson from "superjson";

type Wire = ReturnType<typeof superjson.serialize>;
type Json = Wire["json"];
type Annotations = Record<string, ["bigint"] | ["Date"] | ["undefined"]>;

/** Deeper than anything the API answers; a cycle would come here. */
const depthMax = 16;
/** Keys that need superjson's escapes, or its refusal. */
const oddKey = /[.\\]|^(?:|__proto__|constructor|prototype)$/;
const odd = Symbol("left to superjson");

export const transformer = {
  serialize(value: unknown): Wire {
    const annotations: Annotations = {};
    const json = isContainer(value) ? write(value, "", annotations, 0) : odd;
    if (json === odd) return superjson.serialize(value);
    for (const path in annotations) if (path !== "") return { json, meta: { values: annotations, v: 1 } };
    return { json };
  },
  deserialize: (wire: Wire): unknown => superjson.deserialize(wire),
};

function isContainer(value: unknown): boolean {
  return Array.isArray(value) || isPlainObject(value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function write(value: unknown, path: string, annotations: Annotations, depth: number): Json | typeof odd {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : odd;
    case "bigint":
      annotations[path] = ["bigint"];
      return value.toString();
    case "undefined":
      annotations[path] = ["undefined"];
      return null;
    case "object":
      return value === null ? null : writeObject(value, path, annotations, depth);
    default:
      return odd;
  }
}

function writeObject(value: object, path: string, annotations: Annotations, depth: number): Json | typeof odd {
  if (depth >= depthMax) return odd;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) return odd;
    annotations[path] = ["Date"];
    return value.toISOString();
  }
  const prefix = path === "" ? "" : `${path}.`;
  if (Array.isArray(value)) return writeList(value, prefix, annotations, depth);
  if (!isPlainObject(value)) return odd;
  const json: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    if (oddKey.test(key)) return odd;
    const part = write(value[key], prefix + key, annotations, depth + 1);
    if (part === odd) return odd;
    json[key] = part;
  }
  return json;
}

function writeList(list: readonly unknown[], prefix: string, annotations: Annotations, depth: number): Json | typeof odd {
  const json: Json[] = [];
  for (let i = 0; i < list.length; i += 1) {
    const part = write(list[i], prefix + String(i), annotations, depth + 1);
    if (part === odd) return odd;
    json.push(part);
  }
  return json;
}
