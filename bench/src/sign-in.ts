/** Signs in to the panels as a browser does and returns the Cookie header that proves it. Limit: 10 s a request. */
import { BenchError } from "./build-load.ts";
import { readObject, textAt } from "./json.ts";

const requestTimeoutMs = 10_000;

export async function signIn(panelUrl: string, login: { readonly email: string; readonly password: string }): Promise<string> {
  const jar = new Map<string, string>();
  const csrf = await send(jar, new URL("/api/auth/csrf", panelUrl), {});
  const csrfToken = textAt(readObject(await csrf.text()), ["csrfToken"]);
  if (csrfToken === undefined) throw new BenchError("The panels gave no token for signing in.");
  const answer = await send(jar, new URL("/api/auth/callback/password", panelUrl), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: new URL(panelUrl).origin },
    body: new URLSearchParams({ ...login, csrfToken, callbackUrl: panelUrl, json: "true" }).toString(),
  });
  const body = await answer.text();
  if (![...jar.keys()].some((name) => name.endsWith("karvon-session"))) {
    throw new BenchError(`The panels did not sign the benchmark's client in (${answer.status}): ${body.slice(0, 200)}`);
  }
  return cookieHeader(jar);
}

async function send(jar: Map<string, string>, url: URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (jar.size > 0) headers.set("cookie", cookieHeader(jar));
  const answer = await fetch(url, { ...init, headers, redirect: "manual", signal: AbortSignal.timeout(requestTimeoutMs) });
  for (const line of answer.headers.getSetCookie()) {
    const pair = line.split(";", 1)[0] ?? "";
    const at = pair.indexOf("=");
    if (at > 0) jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return answer;
}

function cookieHeader(jar: ReadonlyMap<string, string>): string {
  return Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
}
