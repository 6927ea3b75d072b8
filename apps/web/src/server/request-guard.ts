/**
 * What is turned away before any other code sees it: writes from other sites, server actions, bodies without a bound.
 *
 * Pages are GET and HEAD only, so the code that decodes server actions is not reachable from outside. Writes go to
 * /api/trpc (JSON, with the panels' own header, which a form or an image on another site cannot send) and to
 * /api/auth (next-auth has a token of its own against forged forms). Limit: 100 kB a body.
 */
import type { IncomingMessage } from "node:http";
import { panelRequestHeader } from "@karvon/services/inputs";

export const bodyBytesMax = 100_000;

export interface Turned {
  readonly status: 403 | 405 | 411 | 413 | 415;
  readonly sentence: string;
}

export type RequestGuard = (request: IncomingMessage, path: string) => Turned | null;

/** Headers that steer Next's inside. Only Next's own parts may set them, and none of those is outside. */
const innerHeader = /^(?:x-middleware-|x-nextjs-|next-action|x-karvon-client-|x-invoke-|x-matched-path|content-security-policy$)/;

export function stripInnerHeaders(request: IncomingMessage): void {
  for (const name of Object.keys(request.headers)) if (innerHeader.test(name)) delete request.headers[name];
  const raw = request.rawHeaders;
  for (let i = raw.length - 2; i >= 0; i -= 2) if (innerHeader.test((raw[i] ?? "").toLowerCase())) raw.splice(i, 2);
}

export function createRequestGuard(options: { readonly panelUrl: string }): RequestGuard {
  const origins = allowedOrigins(options.panelUrl);
  return (request, path) => {
    const method = request.method ?? "";
    if (method === "GET" || method === "HEAD") return null;
    const isApi = path.startsWith("/api/trpc/");
    if (method !== "POST" || !(isApi || path.startsWith("/api/auth/")))
      return { status: 405, sentence: "This address is for reading only." };
    const origin = request.headers.origin;
    if ((origin !== undefined && !origins.has(origin)) || request.headers["sec-fetch-site"] === "cross-site") {
      return { status: 403, sentence: "This request comes from another site." };
    }
    return refuseBody(request) ?? (isApi ? refuseForeignCall(request) : null);
  };
}

function refuseBody(request: IncomingMessage): Turned | null {
  const length = Number(request.headers["content-length"] ?? Number.NaN);
  if (!Number.isSafeInteger(length)) return { status: 411, sentence: "Say how long the body is." };
  return length > bodyBytesMax ? { status: 413, sentence: "The body is larger than 100 kB." } : null;
}

function refuseForeignCall(request: IncomingMessage): Turned | null {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") return { status: 415, sentence: "Calls are application/json." };
  if (request.headers[panelRequestHeader.name] !== panelRequestHeader.value) {
    return { status: 403, sentence: `Calls carry the header ${panelRequestHeader.name}: ${panelRequestHeader.value}.` };
  }
  return null;
}

/** The panels' own origin; on this machine also its other names, which people type by turns. */
export function allowedOrigins(panelUrl: string): ReadonlySet<string> {
  const url = new URL(panelUrl);
  const loopback = ["127.0.0.1", "localhost", "[::1]"];
  const hosts = loopback.includes(url.hostname) ? loopback : [url.hostname];
  return new Set(hosts.map((host) => new URL(`${url.protocol}//${host}:${url.port}`).origin));
}
