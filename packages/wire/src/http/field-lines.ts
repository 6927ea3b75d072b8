/** What request and response heads have in common: where a head ends, and its field lines (RFC 9112, sections 2 and 5). */
import { type Malformed, malformed } from "../feed.ts";
import type { HttpField } from "./types.ts";

const cr = 0x0d;
const lf = 0x0a;
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// oxlint-disable-next-line no-control-regex -- it finds control characters: all but visible ones, obs-text, space and tab
const badValuePattern = /[\0-\u0008\u000a-\u001f\u007f]/;

export interface HeadLimits {
  readonly headBytesMax: number;
  readonly fieldsMax: number;
}

/** A whole head: its lines without line ends, the empty last one left out. */
interface HeadLines {
  readonly kind: "lines";
  readonly lines: readonly string[];
  readonly consumed: number;
}

/**
 * Looks for the empty line, from `from` on. A line feed without its carriage return is refused where it stands, so the
 * answer does not depend on how the bytes were split.
 */
export function readHeadLines(input: Buffer, from: number, limits: HeadLimits): HeadLines | { readonly kind: "more" } | Malformed {
  const until = from + limits.headBytesMax;
  let lineStart = from;
  while (true) {
    const end = input.indexOf(lf, lineStart);
    if (end < 0 || end >= until) return input.length > until || end >= until ? malformed("head-too-large") : { kind: "more" };
    if (end === lineStart || input[end - 1] !== cr) return malformed("bare-line-feed");
    if (end - lineStart === 1) {
      const text = input.toString("latin1", from, Math.max(from, lineStart - 2));
      return { kind: "lines", lines: text.split("\r\n"), consumed: end + 1 };
    }
    lineStart = end + 1;
  }
}

/** The lines behind the first one as fields. */
export function readFields(lines: readonly string[], limits: HeadLimits): readonly HttpField[] | Malformed {
  if (lines.length - 1 > limits.fieldsMax) return malformed("too-many-fields");
  const fields: HttpField[] = [];
  for (let index = 1; index < lines.length; index += 1) {
    const field = readField(lines[index] ?? "");
    if ("kind" in field) return field;
    fields.push(field);
  }
  return fields;
}

function readField(line: string): HttpField | Malformed {
  if (line.startsWith(" ") || line.startsWith("\t")) return malformed("folded-field");
  const colon = line.indexOf(":");
  if (colon < 0) return malformed("field-without-colon");
  const name = line.slice(0, colon);
  if (!tokenPattern.test(name)) return malformed("field-name");
  const value = trimBlanks(line, colon + 1);
  return badValuePattern.test(value) ? malformed("field-value") : { name, key: name.toLowerCase(), value };
}

/** Without spaces and tabs at both ends; linear, whatever the line is made of. */
export function trimBlanks(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

const none: readonly string[] = [];

/** Values of the fields that decide about framing and the connection, each in the order of its lines. */
export interface FramingFacts {
  hosts: readonly string[];
  contentLengths: readonly string[];
  transferEncodings: readonly string[];
  connections: readonly string[];
  proxyConnections: readonly string[];
  upgrades: readonly string[];
  expects: readonly string[];
  proxyAuthorizations: readonly string[];
}

const factNames: ReadonlyMap<string, keyof FramingFacts> = new Map([
  ["host", "hosts"],
  ["content-length", "contentLengths"],
  ["transfer-encoding", "transferEncodings"],
  ["connection", "connections"],
  ["proxy-connection", "proxyConnections"],
  ["upgrade", "upgrades"],
  ["expect", "expects"],
  ["proxy-authorization", "proxyAuthorizations"],
]);

/** One pass over all fields: heads are read for every request. */
export function gatherFacts(fields: readonly HttpField[]): FramingFacts {
  const facts: FramingFacts = {
    hosts: none,
    contentLengths: none,
    transferEncodings: none,
    connections: none,
    proxyConnections: none,
    upgrades: none,
    expects: none,
    proxyAuthorizations: none,
  };
  for (const field of fields) {
    const name = factNames.get(field.key);
    if (name !== undefined) facts[name] = [...facts[name], field.value];
  }
  return facts;
}

/** The members of a comma-separated list field in lower case, over all its lines. */
export function membersOf(values: readonly string[]): readonly string[] {
  const [first] = values;
  if (first === undefined) return none;
  if (values.length === 1 && first !== "" && !first.includes(",")) return [first.toLowerCase()];
  return values
    .flatMap((value) => value.split(","))
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== "");
}

/** The one Content-Length, null when there is none. Signs, lists, repeats and anything over 15 digits are malformed. */
export function readContentLength(values: readonly string[]): number | null | Malformed {
  const [value] = values;
  if (value === undefined) return null;
  if (values.length > 1 || !/^\d{1,15}$/.test(value)) return malformed("content-length");
  return Number(value);
}

/** WebSocket (RFC 6455) is the one protocol that is passed on: h2c would take the framing out of the proxy's hands. */
export function readUpgrade(facts: FramingFacts, connection: readonly string[]): "websocket" | null {
  if (facts.upgrades.length !== 1 || !connection.includes("upgrade")) return null;
  return facts.upgrades[0]?.toLowerCase() === "websocket" ? "websocket" : null;
}
