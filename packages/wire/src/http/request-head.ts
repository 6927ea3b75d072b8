/**
 * Reads the head of an HTTP/1.x request to the proxy (RFC 9112), refusing everything two parsers may read differently.
 *
 * Refused beside what the grammar refuses: bare line feeds, folded fields, two Host lines, none in HTTP/1.1,
 * Content-Length with Transfer-Encoding, repeated or listed lengths, Transfer-Encoding in HTTP/1.0 or other than
 * `chunked`, CONNECT with a body, two Proxy-Authorization lines, TRACE. One empty line before the request is skipped.
 * It does not judge where the request may go.
 *
 * Limits: 16 KiB for the head, 8 KiB for the target, 100 fields, 32 characters for the method.
 */
import { type Feed, type Malformed, malformed, needMore } from "../feed.ts";
import {
  type FramingFacts,
  gatherFacts,
  isToken,
  membersOf,
  readContentLength,
  readFields,
  readHeadLines,
  readUpgrade,
} from "./field-lines.ts";
import { readRequestTarget } from "./request-target.ts";
import type { BodyFraming, HttpRequestHead, RequestTarget } from "./types.ts";

export const requestHeadBytesMax = 16_384;
const limits = { headBytesMax: requestHeadBytesMax, fieldsMax: 100 };
const methodBytesMax = 32;
/** A name or an address, and perhaps a port (RFC 9112, section 3.2): it is not used, but must be one. */
const hostPattern = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(?::\d{0,5})?$/;

export function readRequestHead(input: Buffer): Feed<HttpRequestHead> {
  const from = skipEmptyLine(input);
  if (from === null) return needMore;
  const methodProblem = checkMethodBytes(input, from);
  if (methodProblem !== null) return methodProblem;
  const head = readHeadLines(input, from, limits);
  if (head.kind !== "lines") return head;
  const message = readLines(head.lines);
  return "kind" in message ? message : { kind: "message", message, consumed: head.consumed };
}

/** Where the request line begins; null when that cannot be told yet. */
function skipEmptyLine(input: Buffer): number | null {
  if (input.length === 0 || (input[0] === 0x0d && input.length === 1)) return null;
  return input[0] === 0x0d && input[1] === 0x0a ? 2 : 0;
}

/** Refuses binary noise at once instead of waiting for an empty line that never comes. */
function checkMethodBytes(input: Buffer, from: number): Feed<never> | null {
  const seen = input.toString("latin1", from, from + methodBytesMax + 1);
  const space = seen.indexOf(" ");
  const method = space < 0 ? seen : seen.slice(0, space);
  if (method === "") return space < 0 ? needMore : malformed("method");
  if (method.length > methodBytesMax || !isToken(method)) return malformed("method");
  return space < 0 ? needMore : null;
}

interface RequestLine {
  readonly method: string;
  readonly target: RequestTarget;
  readonly isVersion11: boolean;
}

function readLines(lines: readonly string[]): HttpRequestHead | Malformed {
  const line = readRequestLine(lines[0] ?? "");
  if ("kind" in line) return line;
  const fields = readFields(lines, limits);
  if ("kind" in fields) return fields;
  const facts = gatherFacts(fields);
  const problem = checkFacts(line, facts);
  if (problem !== null) return problem;
  const { isVersion11, method } = line;
  const body = readBody(facts, isVersion11);
  if ("reason" in body) return body;
  const connection = membersOf(facts.connections);
  const mayUpgrade = isVersion11 && method === "GET" && body.kind === "none";
  return {
    method,
    target: line.target,
    version: isVersion11 ? "1.1" : "1.0",
    fields,
    body,
    connection,
    keepAlive: isKeptAlive(connection, membersOf(facts.proxyConnections), isVersion11),
    upgrade: mayUpgrade ? readUpgrade(facts, connection) : null,
    expectContinue: isVersion11 && membersOf(facts.expects).includes("100-continue"),
    proxyAuthorization: facts.proxyAuthorizations[0] ?? null,
  };
}

function readRequestLine(line: string): RequestLine | Malformed {
  const [method, targetText, version, extra] = line.split(" ");
  if (method === undefined || targetText === undefined || extra !== undefined) return malformed("request-line");
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return malformed("version");
  if (method === "TRACE") return malformed("trace-refused");
  const target = readRequestTarget(method, targetText);
  return "kind" in target ? target : { method, target, isVersion11: version === "HTTP/1.1" };
}

function checkFacts(line: RequestLine, facts: FramingFacts): Malformed | null {
  const hostProblem = checkHosts(facts.hosts, line.isVersion11);
  if (hostProblem !== null) return hostProblem;
  const hasFraming = facts.contentLengths.length + facts.transferEncodings.length > 0;
  if (line.method === "CONNECT" && hasFraming) return malformed("connect-with-body");
  return facts.proxyAuthorizations.length > 1 ? malformed("two-proxy-authorizations") : null;
}

function checkHosts(hosts: readonly string[], isVersion11: boolean): Malformed | null {
  if (hosts.length > 1) return malformed("two-hosts");
  const [host] = hosts;
  if (host === undefined) return isVersion11 ? malformed("no-host") : null;
  return hostPattern.test(host) ? null : malformed("host");
}

function readBody(facts: FramingFacts, isVersion11: boolean): BodyFraming | Malformed {
  const codings = facts.transferEncodings;
  const length = readContentLength(facts.contentLengths);
  if (length !== null && typeof length !== "number") return length;
  if (codings.length === 0) return length === null || length === 0 ? { kind: "none" } : { kind: "length", bytes: length };
  if (length !== null) return malformed("length-and-transfer-encoding");
  if (!isVersion11) return malformed("transfer-encoding-in-1.0");
  return codings.length === 1 && codings[0]?.toLowerCase() === "chunked" ? { kind: "chunked" } : malformed("transfer-encoding");
}

/** Programs that speak to proxies say it in either field. */
function isKeptAlive(connection: readonly string[], proxyConnection: readonly string[], isVersion11: boolean): boolean {
  if (connection.includes("close") || proxyConnection.includes("close")) return false;
  return isVersion11 || connection.includes("keep-alive") || proxyConnection.includes("keep-alive");
}
