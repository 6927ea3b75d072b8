/**
 * Reads the head of a target's HTTP/1.x response and says where its body ends (RFC 9112, section 6.3).
 *
 * As strict as the request reader about framing: what is unclear is malformed and becomes a 502. A response without
 * a reason phrase is taken. Whether a 101 was asked for is for the caller to know.
 *
 * Limits: 64 KiB for the head, 256 fields.
 */
import { type Feed, type Malformed, malformed } from "../feed.ts";
import { type FramingFacts, gatherFacts, membersOf, readContentLength, readFields, readHeadLines, readUpgrade } from "./field-lines.ts";
import type { BodyFraming, HttpResponseHead } from "./types.ts";

export const responseHeadBytesMax = 65_536;
const limits = { headBytesMax: responseHeadBytesMax, fieldsMax: 256 };
const statusLinePattern = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const protocolName = "HTTP/1.";

/** `requestMethod` matters because a response to HEAD has no body, whatever it says. */
export function readResponseHead(input: Buffer, requestMethod: string): Feed<HttpResponseHead> {
  const seen = input.toString("latin1", 0, protocolName.length);
  if (!protocolName.startsWith(seen)) return malformed("status-line");
  const head = readHeadLines(input, 0, limits);
  if (head.kind !== "lines") return head;
  const message = readLines(head.lines, requestMethod);
  return "kind" in message ? message : { kind: "message", message, consumed: head.consumed };
}

function readLines(lines: readonly string[], requestMethod: string): HttpResponseHead | Malformed {
  const match = statusLinePattern.exec(lines[0] ?? "");
  if (match === null) return malformed("status-line");
  const fields = readFields(lines, limits);
  if ("kind" in fields) return fields;
  const status = Number(match[2]);
  const facts = gatherFacts(fields);
  const isVersion11 = match[1] === "1";
  const body = readBody(facts, hasNoBody(status, requestMethod), isVersion11);
  if ("reason" in body) return body;
  const connection = membersOf(facts.connections);
  return {
    status,
    reason: match[3] ?? "",
    version: isVersion11 ? "1.1" : "1.0",
    fields,
    body,
    connection,
    keepAlive: body.kind !== "close" && !connection.includes("close") && (isVersion11 || connection.includes("keep-alive")),
    upgrade: readUpgrade(facts, connection),
    transferEncoding: facts.transferEncodings.length === 0 ? null : facts.transferEncodings.join(", "),
    isInterim: status < 200 && status !== 101,
  };
}

function readBody(facts: FramingFacts, isBodiless: boolean, isVersion11: boolean): BodyFraming | Malformed {
  const hasCoding = facts.transferEncodings.length > 0;
  const length = readContentLength(facts.contentLengths);
  if (length !== null && typeof length !== "number") return length;
  if (hasCoding && length !== null) return malformed("length-and-transfer-encoding");
  if (hasCoding && !isVersion11) return malformed("transfer-encoding-in-1.0");
  if (isBodiless) return { kind: "none" };
  if (hasCoding) return membersOf(facts.transferEncodings).at(-1) === "chunked" ? { kind: "chunked" } : { kind: "close" };
  if (length === null) return { kind: "close" };
  return length === 0 ? { kind: "none" } : { kind: "length", bytes: length };
}

function hasNoBody(status: number, requestMethod: string): boolean {
  return requestMethod === "HEAD" || status < 200 || status === 204 || status === 304;
}
