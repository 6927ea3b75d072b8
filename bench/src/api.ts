/**
 * What the panels' API answers under load: tRPC `client.overview`, 50 requests in flight, signed in as the client whose
 * traffic was measured, so its sessions and usage stand in the database. The web process has a core of its own.
 * Limits: 10 s a request, `seconds` of measurement, `requestsMax` requests.
 */
import { Agent, request } from "node:http";
import { BenchError } from "./build-load.ts";
import type { Run } from "./figures.ts";
import type { RunningKarvon } from "./karvon.ts";
import { pin } from "./processes.ts";
import { signIn } from "./sign-in.ts";

const inFlight = 50;
const seconds = 4;
const warmupS = 1;
const requestsMax = 100_000;
const requestTimeoutMs = 10_000;
const bodyBytesMax = 1_000_000;

export async function measureApi(karvon: RunningKarvon): Promise<Run> {
  pin(karvon.webPid, "server");
  const cookie = await signIn(karvon.panelUrl, karvon.login);
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const url = new URL("/api/trpc/client.overview", karvon.panelUrl);
  const latenciesMs: number[] = [];
  let errors = 0;
  const beginMs = performance.now();
  const countFromMs = beginMs + warmupS * 1_000;
  const endMs = countFromMs + seconds * 1_000;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs && latenciesMs.length < requestsMax) {
      const askedMs = performance.now();
      const status = await askStatus(url, cookie, agent);
      const nowMs = performance.now();
      if (status !== 200) errors += 1;
      else if (askedMs >= countFromMs) latenciesMs.push(nowMs - askedMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  agent.destroy();
  if (latenciesMs.length === 0) throw new BenchError(`The panels' API answered none of the requests for ${url.pathname} with 200.`);
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const meanMs = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? meanMs;
  return {
    peer: "karvon",
    work: "api",
    repetition: 0,
    at: new Date().toISOString(),
    result: {
      requests: sorted.length,
      requestsPerS: Math.round(sorted.length / seconds),
      meanMs: Math.round(meanMs * 100) / 100,
      p99Ms: Math.round(p99Ms * 100) / 100,
      errors,
    },
  };
}

function askStatus(url: URL, cookie: string, agent: Agent): Promise<number> {
  return new Promise((done) => {
    const asked = request(url, { agent, headers: { cookie }, timeout: requestTimeoutMs }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > bodyBytesMax) answer.destroy();
      });
      answer.once("close", () => done(answer.complete ? (answer.statusCode ?? 0) : 0));
      answer.once("error", () => done(0));
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => done(0));
    asked.end();
  });
}
