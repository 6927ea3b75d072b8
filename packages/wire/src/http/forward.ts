/**
 * Heads as they go on: to the target in origin-form, to the client with what the proxy adds.
 *
 * Fields that are meant for one connection end here (RFC 9110, section 7.6.1), credentials for the proxy among them;
 * framing is written anew from what was read, never from what a Connection field says. Neither Via nor Forwarded is
 * added: targets do not learn that a proxy is there. It writes no body.
 */
import { listOf } from "./field-lines.ts";
import type { BodyFraming, HttpField, HttpRequestHead, HttpResponseHead } from "./types.ts";

const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "upgrade",
  "http2-settings",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
]);
const framing: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);
const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443 };

/** RangeError unless the target is in absolute form. `keepAlive` asks the target to keep the connection; default false. */
export function writeForwardedRequest(head: HttpRequestHead, options: { readonly keepAlive?: boolean } = {}): Buffer {
  const { target } = head;
  if (target.form !== "absolute") throw new RangeError("only absolute-form requests are forwarded");
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  const authority = defaultPorts[target.scheme] === target.port ? host : `${host}:${target.port}`;
  const lines = [`${head.method} ${target.path} HTTP/${head.version}`, `Host: ${authority}`];
  for (const field of endToEnd(head.fields)) if (field.name.toLowerCase() !== "host") lines.push(`${field.name}: ${field.value}`);
  lines.push(...framingLines(head.body));
  if (head.body.kind === "none" && bodyMethods.has(head.method)) lines.push("Content-Length: 0");
  lines.push(options.keepAlive === true ? "Connection: keep-alive" : "Connection: close");
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

const bodyMethods: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

export interface ResponseOptions {
  /** Whether the client's connection may carry another request. A body that ends by closing overrides it. */
  readonly keepAlive: boolean;
  /** The proxy's own fields, put last; fields of the target with these names are left out. */
  readonly extraFields?: readonly HttpField[];
}

/** Interim responses (1xx) go on without the proxy's own fields. */
export function writeForwardedResponse(head: HttpResponseHead, options: ResponseOptions): Buffer {
  const extra = head.isInterim ? [] : (options.extraFields ?? []);
  const own = new Set(extra.map((field) => field.name.toLowerCase()));
  const lines = [`HTTP/1.1 ${head.status} ${head.reason}`];
  for (const field of endToEnd(head.fields)) if (!own.has(field.name.toLowerCase())) lines.push(`${field.name}: ${field.value}`);
  if (head.body.kind === "none") lines.push(...statedLength(head));
  else lines.push(...framingLines(head.body));
  for (const field of extra) lines.push(`${field.name}: ${field.value}`);
  if (!head.isInterim) lines.push(options.keepAlive && head.body.kind !== "close" ? "Connection: keep-alive" : "Connection: close");
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Everything but what one connection is told, and but framing. */
function endToEnd(fields: readonly HttpField[]): readonly HttpField[] {
  const listed = new Set(listOf(fields, "connection"));
  return fields.filter((field) => {
    const name = field.name.toLowerCase();
    return !hopByHop.has(name) && !framing.has(name) && !listed.has(name);
  });
}

function framingLines(body: BodyFraming): readonly string[] {
  if (body.kind === "length") return [`Content-Length: ${body.bytes}`];
  return body.kind === "chunked" ? ["Transfer-Encoding: chunked"] : [];
}

/** A response to HEAD and a 304 may say how long the body would be; elsewhere "none" is a length of 0. */
function statedLength(head: HttpResponseHead): readonly string[] {
  if (head.isInterim || head.status === 204) return [];
  const stated = head.fields.find((field) => field.name.toLowerCase() === "content-length");
  return stated === undefined ? [] : [`Content-Length: ${stated.value}`];
}
