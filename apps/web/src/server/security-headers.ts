/**
 * The headers that every answer carries.
 *
 * Scripts run only with the nonce of their page, or loaded by such a script; Next finds the nonce in the request's
 * copy of the policy and stamps its tags. Styles may stand in the page: the charts place them as attributes.
 */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";

export function makeNonce(): string {
  return randomBytes(18).toString("base64");
}

export function contentPolicy(nonce: string, isSecure: boolean): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    ...(isSecure ? ["upgrade-insecure-requests"] : []),
  ].join("; ");
}

/** For answers that are data and never a page. */
export const dataPolicy = "default-src 'none'; frame-ancestors 'none'";

export function setSecurityHeaders(response: ServerResponse, policy: string, isSecure: boolean): void {
  response.setHeader("Content-Security-Policy", policy);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("X-Frame-Options", "DENY");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
  if (isSecure) response.setHeader("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
}
