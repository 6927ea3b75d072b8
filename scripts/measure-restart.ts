/**
 * Replaces the gateway processes again and again under load, and counts what clients see of it.
 *
 *   node --import tsx scripts/measure-restart.ts [data folder] [restarts] [sessions a second]
 *
 * Needs the demo running (`npm start`). A third of the sessions each is CONNECT, SOCKS5 and plain HTTP on kept connections;
 * one in twenty lasts 5 to 10 s. Complete: the target got every byte, and its answer came. Refused: no connection, no answer or
 * an answer other than success. Truncated: it began and broke off. Prints one JSON line; exits with 1 if anything failed.
 */
import { isAlive } from "@karvon/postgres";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openKeptConnections, type SessionOutcome, runConnect, runSocks5 } from "./lib/proxy-sessions.ts";

const [dataDir = ".karvon", restarts = "5", perSecond = "200"] = process.argv.slice(2);
const everyMs = 1_000 / Number(perSecond);
const restartTimeoutMs = 90_000;
const quietMs = 3_000;
const shortBytes = 2_048;
const longBytes = 200_000;
const longPieces = 20;
const longShare = 0.05;

interface Ready {
  readonly proxy: { readonly host: string; readonly port: number };
  readonly echoUrl: string;
  readonly proxyUser: { readonly username: string; readonly password: string };
  readonly gateways: readonly { readonly pid: number }[];
  readonly pids: { readonly launcher: number };
}
const readReady = (): Ready => JSON.parse(readFileSync(join(dataDir, "ready.json"), "utf8")) as Ready;

const facts = readReady();
const target = new URL(facts.echoUrl);
const proxy = { ...facts.proxy, ...facts.proxyUser };
const kept = openKeptConnections(proxy);
const counts = { complete: 0, total: 0, refused: 0, truncated: 0 };
const byKind: Record<string, number> = {};
const troubles = new Map<string, number>();
const running = new Set<Promise<void>>();

function note(kind: string, outcome: SessionOutcome): void {
  counts.total += 1;
  byKind[kind] = (byKind[kind] ?? 0) + 1;
  counts[outcome.kind] += 1;
  if (outcome.kind !== "complete") {
    const what = `${kind}: ${outcome.why}`;
    troubles.set(what, (troubles.get(what) ?? 0) + 1);
  }
}

function begin(index: number): void {
  const isLong = Math.random() < longShare;
  const exchange = {
    host: target.hostname,
    port: Number(target.port),
    body: randomBytes(isLong ? longBytes : shortBytes),
    pieces: isLong ? longPieces : 1,
    durationMs: isLong ? 5_000 + Math.random() * 5_000 : 0,
  };
  const kind = (["connect", "socks5", "http"] as const)[index % 3] ?? "connect";
  const session = kind === "http" ? kept.run(exchange) : kind === "socks5" ? runSocks5(proxy, exchange) : runConnect(proxy, exchange);
  const done = session.then((outcome) => note(isLong ? `${kind} long` : kind, outcome)).finally(() => running.delete(done));
  running.add(done);
}

/** All processes of the list before are gone and as many new ones serve. */
async function restartOnce(): Promise<number> {
  const before = new Set(readReady().gateways.map(({ pid }) => pid));
  const startedAtMs = performance.now();
  process.kill(facts.pids.launcher, "SIGUSR2");
  for (;;) {
    if (performance.now() - startedAtMs > restartTimeoutMs) throw new Error(`the gateway was not replaced within ${restartTimeoutMs} ms`);
    await pause(100);
    const isReplaced = readReady().gateways.every(({ pid }) => !before.has(pid)) && [...before].every((pid) => !isAlive(pid));
    if (isReplaced) return performance.now() - startedAtMs;
  }
}

const loadEnd = new AbortController();
async function load(): Promise<void> {
  const startedAtMs = performance.now();
  for (let index = 0; !loadEnd.signal.aborted; index += 1) {
    const waitMs = startedAtMs + index * everyMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    begin(index);
  }
}

const startedAtMs = performance.now();
const loading = load();
await pause(quietMs);
const restartMs: number[] = [];
for (let round = 0; round < Number(restarts); round += 1) {
  restartMs.push(Math.round(await restartOnce()));
  await pause(quietMs);
}
loadEnd.abort();
await loading;
const seconds = (performance.now() - startedAtMs) / 1_000;
await Promise.all(running);
kept.close();
process.stdout.write(
  `${JSON.stringify({
    figure: `rolling restart x ${restarts} under load`,
    ...counts,
    sessionsPerSecond: Math.round(counts.total / seconds),
    processes: facts.gateways.length,
    restartMs,
    byKind,
    troubles: Object.fromEntries(troubles),
  })}\n`,
);
process.exitCode = counts.complete === counts.total ? 0 : 1;
