/**
 * Turns a refusal into what each protocol can say of it. Pure.
 *
 * HTTP and CONNECT carry everything: status, RFC 9209 Proxy-Status, code, wait, when it opens again, and a JSON body. SOCKS5 carries one
 * byte, so its refusals are also in the panel under the request id. No request header ever comes back in an answer.
 */
import { PROXY_ERRORS, type ProxyErrorCode, type ProxyRefusalFacts, type Refusal } from "@karvon/domain";

export interface RefusedRequest {
  readonly requestId: string;
  readonly refusal: Refusal;
  /** Whether bytes that went before the refusal are charged; nearly always false. */
  readonly isBilled?: boolean;
  /** A HEAD request's answer has no body (RFC 9110, section 9.3.2). */
  readonly isHead?: boolean;
}

/** Seconds after which a program may try again, for the codes whose retry is "wait". */
const retryAfterSeconds: Partial<Record<ProxyErrorCode, number>> = {
  concurrency_limit: 1,
  rate_limited: 5,
  target_throttled: 10,
  no_exit: 5,
  overloaded: 5,
  journal_unavailable: 5,
  draining: 1,
};

export function refusalFacts(code: ProxyErrorCode): ProxyRefusalFacts {
  return PROXY_ERRORS[code];
}

/** A whole HTTP/1.1 answer that ends the connection: after a refusal nobody knows where the next request begins. */
export function renderHttpRefusal(refused: RefusedRequest): Buffer {
  const { requestId, refusal } = refused;
  const facts = refusalFacts(refusal.code);
  const { opensAt } = refusal;
  const wait = opensAt === undefined ? retryAfterSeconds[refusal.code] : secondsUntil(opensAt);
  const body = `${JSON.stringify({
    code: refusal.code,
    message: facts.message,
    action: facts.action,
    detail: refusal.detail,
    retryable: facts.retry !== "no" || opensAt !== undefined,
    opensAt,
    billed: refused.isBilled ?? false,
    requestId,
    docs: `docs/errors.md#${refusal.code}`,
  })}\n`;
  const lines = [
    `HTTP/1.1 ${facts.http} ${reasonPhrase(facts.http)}`,
    `Proxy-Status: karvon; error=${facts.rfc9209}; details=${quoted(`${refusal.code}: ${refusal.detail}`)}`,
    `x-error-code: ${refusal.code}`,
    `x-px-request-id: ${requestId}`,
    ...(wait === undefined ? [] : [`Retry-After: ${wait}`]),
    ...(opensAt === undefined ? [] : [`x-px-opens-at: ${opensAt.toISOString()}`]),
    ...(facts.http === 407 ? ['Proxy-Authenticate: Basic realm="Karvon", charset="UTF-8"'] : []),
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    "Proxy-Connection: close",
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${refused.isHead ? "" : body}`, "utf8");
}

/** At least one: a clock that runs ahead must not invite at once. */
function secondsUntil(instant: Date): number {
  return Math.max(1, Math.ceil((instant.getTime() - Date.now()) / 1_000));
}

/** The reply byte of RFC 1928 section 6 for a refusal at the request stage. Codes that have none there are "not allowed". */
export function socksReplyCode(code: ProxyErrorCode): number {
  const reply = refusalFacts(code).socks5;
  if (typeof reply === "number") return reply;
  if (reply === "authFailure" || reply === "noMethod") return 0x02;
  return 0x01;
}

/** An sf-string of RFC 8941: printable ASCII with backslash escapes. */
function quoted(text: string): string {
  const ascii = text.replace(/[^\x20-\x7e]/g, "?").slice(0, 512);
  return `"${ascii.replace(/[\\"]/g, "\\$&")}"`;
}

const phrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  402: "Payment Required",
  403: "Forbidden",
  407: "Proxy Authentication Required",
  429: "Too Many Requests",
  499: "Client Closed Request",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function reasonPhrase(status: number): string {
  return phrases[status] ?? "Refused";
}
