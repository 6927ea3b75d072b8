/**
 * The two cookies of the panels: the sign-in (a token that next-auth made) and the secret that binds a mailed code to
 * one browser. Both are HttpOnly and SameSite=Lax; behind HTTPS also Secure with the `__Host-` prefix, which browsers
 * refuse from anywhere but this very host.
 */
import type { SignInCookie } from "./runtime.ts";

const browserCookieMaxAgeSeconds = 24 * 3_600;
const cookieHeaderLengthMax = 16_384;

export function signInCookieFor(panelUrl: string): SignInCookie {
  const isSecure = panelUrl.startsWith("https:");
  return { name: isSecure ? "__Host-karvon-session" : "karvon-session", isSecure };
}

export function browserCookieName(isSecure: boolean): string {
  return isSecure ? "__Host-karvon-browser" : "karvon-browser";
}

/** The first cookie of that name, or undefined. */
export function readCookie(header: string | null | undefined, name: string): string | undefined {
  if (header === null || header === undefined || header.length > cookieHeaderLengthMax) return undefined;
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

export function browserCookie(secret: string, isSecure: boolean): string {
  return `${browserCookieName(isSecure)}=${secret}; ${attributes(isSecure)}; Max-Age=${browserCookieMaxAgeSeconds}`;
}

export function clearedSignInCookie(cookie: SignInCookie): string {
  return `${cookie.name}=; ${attributes(cookie.isSecure)}; Max-Age=0`;
}

function attributes(isSecure: boolean): string {
  return `Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
}
