/**
 * A little traffic of the demo's own proxy user, so that live charts have something to show: a request every 1.5 s of
 * 2 to 20 KB through a random country. Off by default, because it spends the demo user's balance beside other tests.
 * One request at a time; a failure is skipped.
 */
import { request } from "node:http";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const everyMs = 1_500;
const requestTimeoutMs = 10_000;
const Logins = z.object({ proxyPassword: z.string() });

export interface TrafficOptions {
  /** Where the launcher keeps the demo's passwords. */
  readonly loginsPath: string;
  readonly proxyPort: number;
  readonly echoUrl: string;
  readonly countries: readonly string[];
}

export function startBackgroundTraffic(options: TrafficOptions): { close(): void } {
  const stop = new AbortController();
  const password = readPassword(options.loginsPath);
  if (password !== null) void keepAsking(options, password, stop.signal);
  return { close: () => stop.abort() };
}

/** Null without the file: then there is no demo user either. */
function readPassword(path: string): string | null {
  try {
    return Logins.parse(JSON.parse(readFileSync(path, "utf8"))).proxyPassword;
  } catch {
    return null;
  }
}

async function keepAsking(options: TrafficOptions, password: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const country = options.countries[Math.floor(Math.random() * options.countries.length)] ?? "uz";
    await ask(options, `demo-country-${country.toLowerCase()}:${password}`, signal);
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

function ask(options: TrafficOptions, credentials: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port: options.proxyPort,
        path: `${options.echoUrl}bytes?n=${2_000 + Math.floor(Math.random() * 18_000)}`,
        headers: { host: new URL(options.echoUrl).host, "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` },
        timeout: requestTimeoutMs,
        signal,
      },
      (response) => {
        response.on("error", () => resolve());
        response.resume().once("close", () => resolve());
      },
    );
    outgoing.once("timeout", () => outgoing.destroy());
    outgoing.once("error", () => resolve());
    outgoing.end();
  });
}
