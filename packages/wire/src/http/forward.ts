/**
 * Heads as they go on: to the target in origin-form, to the client with what the proxy adds.
 *
 * Fields that are meant for one connection end here (RFC 9110, section 7.6.1), credentials for the proxy among them;
 * framing is written anew from what was read, never from what a Connection field says. Neither Via nor Forwarded is
 * added: targets do not learn that a proxy is there. Body bytes that came along go into the same buffer, so that head
 * and body are one write; they are not looked at.
 */
import type { BodyFraming, HttpRequestHead, HttpResponseHead } from "./types.ts";

/** What both directions drop. Framing and Host are dropped too, since they are written anew. */
const oneHop: readonly string[] = ["connection", "keep-alive", "te", "upgrade", "content-length", "transfer-encoding"];
/** `Proxy` is no field of HTTP at all, but becomes the HTTP_PROXY of programs behind CGI. */
const endsInRequest: ReadonlySet<string> = new Set([...oneHop, "host", "http2-settings", "proxy"]);
const endsInResponse: ReadonlySet<string> = new Set([...oneHop, "proxy-connection", "proxy-authenticate", "proxy-authentication-info"]);
const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443 };
const bodyMethods: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
const nothing = Buffer.alloc(0);

/** RangeError unless the target is in absolute form. `keepAlive` asks the target to keep the connection; default false. */
export function writeForwardedRequest(
  head: HttpRequestHead,
  options: { readonly keepAlive?: boolean } = {},
  earlyBody: Buffer = nothing,
): Buffer {
  const { target, upgrade } = head;
  if (target.form !== "absolute") throw new RangeError("only absolute-form requests are forwarded");
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  const authority = defaultPorts[target.scheme] === target.port ? host : `${host}:${target.port}`;
  let text = `${head.method} ${target.path} HTTP/${head.version}\r\nHost: ${authority}\r\n`;
  text += linesThatGoOn(head, endsInRequest, "proxy-") + framingLine(head.body);
  if (head.body.kind === "none" && bodyMethods.has(head.method)) text += "Content-Length: 0\r\n";
  if (upgrade !== null) text += upgradeLines(upgrade);
  else text += connectionLine(options.keepAlive === true);
  return joined(text, earlyBody);
}

export interface ResponseOptions {
  /** Whether the client's connection may carry another request. A body that ends by closing overrides it. */
  readonly keepAlive: boolean;
  /** The proxy's own field lines, each with its line end, put behind the target's. Their names begin with `x-px-`. */
  readonly ownLines?: string;
}

/** Interim responses (1xx) go on without the proxy's own fields; fields of the target with such names never go on. */
export function writeForwardedResponse(head: HttpResponseHead, options: ResponseOptions, earlyBody: Buffer = nothing): Buffer {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${linesThatGoOn(head, endsInResponse, "x-px-")}`;
  text += responseFraming(head);
  if (!head.isInterim) text += options.ownLines ?? "";
  if (head.isInterim) text += "\r\n";
  else if (head.status === 101 && head.upgrade !== null) text += upgradeLines(head.upgrade);
  else text += connectionLine(options.keepAlive && head.body.kind !== "close");
  return joined(text, earlyBody);
}

/** Without what ends here by its name, by the beginning of its name, or because the Connection field names it. */
function linesThatGoOn(head: HttpRequestHead | HttpResponseHead, ends: ReadonlySet<string>, prefix: string): string {
  const listed = listedFields(head.connection);
  let text = "";
  for (const { key, name, value } of head.fields) {
    if (ends.has(key) || key.startsWith(prefix) || listed?.includes(key) === true) continue;
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** The last lines of a head. */
function connectionLine(keepAlive: boolean): string {
  return keepAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
}

function upgradeLines(protocol: string): string {
  return `Upgrade: ${protocol}\r\nConnection: Upgrade\r\n\r\n`;
}

/** What the Connection field names beside its own options; null when that is nothing, as nearly always. */
function listedFields(connection: readonly string[]): readonly string[] | null {
  for (const option of connection) if (option !== "keep-alive" && option !== "close") return connection;
  return null;
}

function framingLine(body: BodyFraming): string {
  if (body.kind === "length") return `Content-Length: ${body.bytes}\r\n`;
  return body.kind === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
}

/** A response to HEAD and a 304 may say how long the body would be; elsewhere "none" is a length of 0. */
function responseFraming(head: HttpResponseHead): string {
  const { body } = head;
  if (body.kind === "length") return framingLine(body);
  if (body.kind !== "none") return head.transferEncoding === null ? "" : `Transfer-Encoding: ${head.transferEncoding}\r\n`;
  if (head.status < 200 || head.status === 204) return "";
  const stated = head.fields.find((field) => field.key === "content-length");
  return stated === undefined ? "" : `Content-Length: ${stated.value}\r\n`;
}

function joined(text: string, bytes: Buffer): Buffer {
  const buffer = Buffer.allocUnsafe(text.length + bytes.length);
  buffer.write(text, 0, "latin1");
  if (bytes.length > 0) bytes.copy(buffer, text.length);
  return buffer;
}
