/** Request targets in their four forms (RFC 9112, section 3.2), read strictly: what is unclear is refused, not guessed. */
import { type Malformed, malformed } from "../feed.ts";
import type { RequestTarget } from "./types.ts";

const targetBytesMax = 8_192;
const targetPattern = /^[\x21-\x7e\x80-\xff]+$/;
const authorityPattern = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,255}))(?::(\d*))?$/;
const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443 };

export function readRequestTarget(method: string, text: string): RequestTarget | Malformed {
  if (text.length > targetBytesMax) return malformed("target-too-long");
  if (!targetPattern.test(text)) return malformed("target");
  if (method === "CONNECT") return readConnectTarget(text);
  if (text.startsWith("/")) return text.includes("#") ? malformed("target") : { form: "origin", path: text };
  if (text === "*") return method === "OPTIONS" ? { form: "asterisk" } : malformed("target");
  return readAbsoluteTarget(method, text);
}

/** `host:port`, nothing else; the port is never left out (RFC 9110, section 9.3.6). */
function readConnectTarget(text: string): RequestTarget | Malformed {
  const authority = readAuthority(text, null);
  return "kind" in authority ? authority : { form: "authority", ...authority };
}

function readAbsoluteTarget(method: string, text: string): RequestTarget | Malformed {
  const colon = text.indexOf("://");
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase();
  const defaultPort = Object.hasOwn(defaultPorts, scheme) ? defaultPorts[scheme] : undefined;
  if (defaultPort === undefined) return malformed("scheme");
  const rest = text.slice(colon + 3);
  if (rest.includes("#")) return malformed("target");
  const end = rest.search(/[/?]/);
  const authority = readAuthority(end < 0 ? rest : rest.slice(0, end), defaultPort);
  if ("kind" in authority) return authority;
  return { form: "absolute", scheme, ...authority, path: pathOf(method, end < 0 ? "" : rest.slice(end)) };
}

/** An OPTIONS without a path asks about the server as a whole (RFC 9112, section 3.2.4). */
function pathOf(method: string, text: string): string {
  if (text === "") return method === "OPTIONS" ? "*" : "/";
  return text.startsWith("?") ? `/${text}` : text;
}

/** No user information, no zone, no leading zero; the port may only be left out where there is a default. */
function readAuthority(text: string, defaultPort: number | null): { host: string; port: number } | Malformed {
  if (text.includes("@")) return malformed("user-information");
  const match = authorityPattern.exec(text);
  if (match === null) return malformed("authority");
  const host = match[1] ?? match[2] ?? "";
  const portText = match[3];
  if (portText === undefined) return defaultPort === null ? malformed("port") : { host, port: defaultPort };
  const port = /^[1-9]\d{0,4}$/.test(portText) ? Number(portText) : 0;
  return port < 1 || port > 65_535 ? malformed("port") : { host, port };
}
