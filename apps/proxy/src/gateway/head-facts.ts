/** What a request's head tells the record of its refusal. */
import type { HttpRequestHead } from "@karvon/wire";
import type { SpokenProtocol } from "../session/refusal-log.ts";

export function protocolOf(head: HttpRequestHead): SpokenProtocol {
  return head.target.form === "authority" ? "connect" : "http";
}

export function placeOf(head: HttpRequestHead | undefined): { host?: string; port?: number } {
  const target = head?.target;
  return target?.form === "authority" || target?.form === "absolute" ? { host: target.host, port: target.port } : {};
}
