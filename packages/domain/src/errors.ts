/**
 * The one table of everything Karvon refuses, on every surface.
 *
 * `proxy` codes are what a program behind the proxy endpoint sees: an HTTP status, an RFC 9209 `Proxy-Status`
 * error type, a SOCKS5 reply (RFC 1928 section 6), and what to do next. `panel` codes are what a panel or the CLI sees.
 * SOCKS5 `authFailure` stands for the RFC 1929 status 1, `noMethod` for method 0xFF, `close` for closing the connection.
 */
export type Socks5Refusal = number | "authFailure" | "noMethod" | "close" | "none";

export interface ProxyRefusalFacts {
  readonly http: number;
  readonly rfc9209: string;
  readonly socks5: Socks5Refusal;
  readonly retry: "no" | "yes" | "wait";
  readonly message: string;
  readonly action: string;
}

// One row a code, so that it reads as the table it is.
// prettier-ignore
export const PROXY_ERRORS = {
  auth_missing: { http: 407, rfc9209: "http_request_denied", socks5: "noMethod", retry: "no", message: "No proxy credentials were sent.", action: "Send a proxy user and its password, or list the address in the client panel." },
  auth_failed: { http: 407, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "The proxy user or its password is wrong.", action: "Copy the endpoint line again from the client panel." },
  user_disabled: { http: 407, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "This proxy user is disabled.", action: "Enable it, or use another proxy user." },
  source_ip_denied: { http: 407, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "This source address may not use the proxy user.", action: "Add the address to the proxy user's rules in the client panel." },
  account_suspended: { http: 403, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "The client account is suspended.", action: "Write to support." },
  kyc_required: { http: 403, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "The client account must be verified first.", action: "Write to support to have the account verified." },
  balance_exhausted: { http: 402, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "No traffic is left on the account.", action: "Buy traffic in the client panel, or top up the wallet." },
  limit_reached: { http: 402, rfc9209: "http_request_denied", socks5: "authFailure", retry: "no", message: "A traffic limit that you set is reached.", action: "Raise the limit of the proxy user, tag or session, or the wallet's monthly cap." },
  concurrency_limit: { http: 429, rfc9209: "connection_limit_reached", socks5: 0x01, retry: "wait", message: "Too many sessions are open at once.", action: "Close sessions or raise the limit, then try again." },
  rate_limited: { http: 429, rfc9209: "http_request_denied", socks5: 0x01, retry: "wait", message: "Too many new sessions in a short time.", action: "Slow down and try again." },
  target_throttled: { http: 429, rfc9209: "http_request_denied", socks5: 0x02, retry: "wait", message: "The network as a whole sends enough to this target now.", action: "Try again later." },
  bad_request: { http: 400, rfc9209: "http_request_error", socks5: 0x07, retry: "no", message: "The request is not one that this proxy understands.", action: "Check what the program sends." },
  no_destination: { http: 400, rfc9209: "http_request_error", socks5: 0x08, retry: "no", message: "The request names no destination.", action: "Send the full URL, or use CONNECT host:port." },
  bad_username: { http: 400, rfc9209: "http_request_error", socks5: "authFailure", retry: "no", message: "A parameter in the proxy username is wrong.", action: "Correct the part that is named." },
  port_blocked: { http: 403, rfc9209: "http_request_denied", socks5: 0x02, retry: "no", message: "This port is closed in the network.", action: "Use port 80, 443, 8080 or 8443; the detail says what else helps." },
  target_blocked: { http: 403, rfc9209: "http_request_denied", socks5: 0x02, retry: "no", message: "This target is blocked in the network.", action: "Use another target." },
  host_not_allowed: { http: 403, rfc9209: "http_request_denied", socks5: 0x02, retry: "no", message: "Your own rules do not allow this host.", action: "Change the proxy user's rules in the client panel." },
  country_not_offered: { http: 403, rfc9209: "http_request_denied", socks5: 0x02, retry: "no", message: "The account does not have this country.", action: "Ask for one of the account's countries, or write to support." },
  private_address: { http: 403, rfc9209: "destination_ip_prohibited", socks5: 0x02, retry: "no", message: "The destination is a private or reserved address.", action: "Only public addresses can be reached." },
  no_exit: { http: 503, rfc9209: "destination_unavailable", socks5: 0x03, retry: "wait", message: "No node that matches is online.", action: "Widen the place or type, or try again later." },
  session_lost: { http: 502, rfc9209: "destination_unavailable", socks5: 0x03, retry: "no", message: "The node of this hard session is gone.", action: "Start a new session." },
  node_connect_failed: { http: 504, rfc9209: "connection_timeout", socks5: 0x01, retry: "yes", message: "No node could open the connection.", action: "Try again." },
  dns_error: { http: 502, rfc9209: "dns_error", socks5: 0x04, retry: "no", message: "The target's name does not resolve.", action: "Check the host name." },
  dns_timeout: { http: 502, rfc9209: "dns_timeout", socks5: 0x04, retry: "yes", message: "The target's name server did not answer.", action: "Try again." },
  connect_refused: { http: 502, rfc9209: "connection_refused", socks5: 0x05, retry: "yes", message: "The target refused the connection.", action: "Check the target's port." },
  connect_timeout: { http: 504, rfc9209: "connection_timeout", socks5: 0x06, retry: "yes", message: "The target did not answer.", action: "Try again, or check the target." },
  target_unroutable: { http: 502, rfc9209: "destination_ip_unroutable", socks5: 0x03, retry: "no", message: "The node has no way to the target's address.", action: "Check the address." },
  no_ipv6: { http: 502, rfc9209: "destination_ip_unroutable", socks5: 0x03, retry: "no", message: "The node has no IPv6.", action: "Use a target with an IPv4 address." },
  target_reset: { http: 502, rfc9209: "connection_terminated", socks5: "close", retry: "yes", message: "The target closed the connection.", action: "Try again." },
  response_timeout: { http: 504, rfc9209: "http_response_timeout", socks5: "close", retry: "yes", message: "The target sent no answer in time.", action: "Try again." },
  client_closed: { http: 499, rfc9209: "connection_terminated", socks5: "none", retry: "no", message: "The program went away.", action: "Nothing; this stands in the log only." },
  overloaded: { http: 503, rfc9209: "connection_limit_reached", socks5: 0x01, retry: "wait", message: "The gateway is full.", action: "Try again after the time in Retry-After." },
  journal_unavailable: { http: 503, rfc9209: "proxy_internal_error", socks5: 0x01, retry: "wait", message: "The gateway cannot write down what it carries.", action: "Try again after the time in Retry-After." },
  draining: { http: 503, rfc9209: "connection_limit_reached", socks5: 0x01, retry: "wait", message: "The gateway is restarting.", action: "Try again at once." },
  internal: { http: 500, rfc9209: "proxy_internal_error", socks5: 0x01, retry: "yes", message: "Something failed on our side.", action: "Try again; if it stays, send us the request id." },
} as const satisfies Record<string, ProxyRefusalFacts>;
export type ProxyErrorCode = keyof typeof PROXY_ERRORS;

/** Why a proxied request was not carried. A value, not an exception: refusals are everyday on the hot path. */
export interface Refusal {
  readonly kind: "refused";
  readonly code: ProxyErrorCode;
  /** Safe to show: names the guilty part, for example `unknown key "contry"`. */
  readonly detail: string;
  /** When it will be over by itself, where that is known: the end of a day or a month. */
  readonly opensAt?: Date;
}

export function refuse(code: ProxyErrorCode, detail: string, opensAt?: Date): Refusal {
  return opensAt === undefined ? { kind: "refused", code, detail } : { kind: "refused", code, detail, opensAt };
}

type TrpcCode =
  | "BAD_REQUEST"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "PRECONDITION_FAILED"
  | "TOO_MANY_REQUESTS"
  | "SERVICE_UNAVAILABLE";
export interface PanelErrorFacts {
  readonly http: number;
  readonly trpc: TrpcCode;
}

export const PANEL_ERRORS = {
  INPUT_INVALID: { http: 400, trpc: "BAD_REQUEST" },
  SIGN_IN_REQUIRED: { http: 401, trpc: "UNAUTHORIZED" },
  SIGN_IN_FAILED: { http: 401, trpc: "UNAUTHORIZED" },
  ROLE_FORBIDDEN: { http: 403, trpc: "FORBIDDEN" },
  ACCOUNT_SUSPENDED: { http: 403, trpc: "FORBIDDEN" },
  EMAIL_NOT_CONFIRMED: { http: 403, trpc: "FORBIDDEN" },
  EMAIL_TAKEN: { http: 409, trpc: "CONFLICT" },
  CODE_WRONG: { http: 401, trpc: "UNAUTHORIZED" },
  CODE_EXPIRED: { http: 401, trpc: "UNAUTHORIZED" },
  TRIES_EXCEEDED: { http: 429, trpc: "TOO_MANY_REQUESTS" },
  NOT_FOUND: { http: 404, trpc: "NOT_FOUND" },
  USERNAME_TAKEN: { http: 409, trpc: "CONFLICT" },
  LIMIT_EXCEEDED: { http: 409, trpc: "PRECONDITION_FAILED" },
  ADDRESS_UNPROVEN: { http: 403, trpc: "FORBIDDEN" },
  ADDRESS_TAKEN: { http: 409, trpc: "CONFLICT" },
  STATE_CONFLICT: { http: 409, trpc: "CONFLICT" },
  IDEMPOTENCY_CONFLICT: { http: 409, trpc: "CONFLICT" },
  BALANCE_TOO_LOW: { http: 409, trpc: "PRECONDITION_FAILED" },
  SECOND_PERSON_NEEDED: { http: 403, trpc: "FORBIDDEN" },
  PAYMENT_FAILED: { http: 402, trpc: "PRECONDITION_FAILED" },
  PROVIDER_UNAVAILABLE: { http: 503, trpc: "SERVICE_UNAVAILABLE" },
  QUOTE_CHANGED: { http: 409, trpc: "CONFLICT" },
} as const satisfies Record<string, PanelErrorFacts>;
export type PanelErrorCode = keyof typeof PANEL_ERRORS;

/** An expected failure that ends a use case. `message` may be shown to the user; `cause` may not. */
export class AppError extends Error {
  readonly code: PanelErrorCode;
  constructor(code: PanelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AppError";
    this.code = code;
  }
}

/** Ends the current session or request when our own code is wrong. Never used to reject input. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
