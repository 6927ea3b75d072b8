/**
 * Work "leak": many short connections that end in every way a client can end (bench/load/churn.c), and what they left behind
 * in the gateway: descriptors, listening sockets, memory, process warnings, faults.
 *
 * "Before" is read after a first part of the same traffic, so that what grows once is not taken for a leak; each look is
 * taken after connections and sessions are at zero, the time to settle is over, and garbage is collected.
 * Limits: 2 hours for the connections.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { buildNodes } from "./build-nodes.ts";
import { BenchError } from "./build-load.ts";
import { countDescriptors } from "./descriptors.ts";
import { openGatewayHook, type GatewayHook } from "./gateway-hook.ts";
import { numberAt, readObject, valueAt, type JsonObject } from "./json.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { startOrigin } from "./peer.ts";
import type { SpecialContext } from "./special.ts";

const churnTimeoutMs = 7_200_000;
const outputBytesMax = 1_000_000;
const warmupShare = 0.05;
const warmupMin = 240;
/** Connections and sessions must have ended by then; what has not is what the look is for. */
const emptyTimeoutMs = 60_000;
const pollMs = 250;

interface Look {
  readonly descriptors: number;
  readonly databaseConnections: number;
  readonly listeners: number;
  readonly rssKb: number;
  readonly anonKb: number;
  /** What lives after a garbage collection; RSS also holds what the allocator keeps. */
  readonly heapUsedKb: number;
  readonly externalKb: number;
  readonly warnings: readonly string[];
  readonly faults: number;
  readonly connectionsOpen: number;
  readonly sessionsOpen: number;
}

export async function measureLeak(context: SpecialContext): Promise<void> {
  const { options, say } = context;
  const origin = await startOrigin(context.program);
  context.onClose(() => origin.close());
  const hook = openGatewayHook();
  context.onClose(() => Promise.resolve(hook.close()));
  const { environment } = hook;
  const nodesProgram = await buildNodes(context.buildDir);
  say("starting Karvon for the leak run");
  const karvon = await startKarvon({
    origin: origin.address,
    nodes: options.nodes,
    nodesProgram,
    processes: options.processes,
    environment,
    onStarted: context.onClose,
  });
  const { connections, settleS } = options.leak;
  const start = await look(karvon, hook, 0);
  await churn(context, karvon, origin.address, Math.max(warmupMin, Math.round(connections * warmupShare)));
  const before = await look(karvon, hook, settleS);
  say(`before: ${JSON.stringify(before)}`);
  const churned = await churn(context, karvon, origin.address, connections);
  const after = await look(karvon, hook, settleS);
  say(`after: ${JSON.stringify(after)}`);
  const result = {
    ...churned,
    start,
    before,
    after,
    descriptorsGrown: after.descriptors - before.descriptors,
    listenersGrown: after.listeners - before.listeners,
    warnings: after.warnings.length,
    faults: after.faults,
  };
  context.onRun({ peer: "karvon", work: "leak", repetition: 0, at: new Date().toISOString(), result });
}

function churn(context: SpecialContext, karvon: RunningKarvon, target: string, count: number): Promise<JsonObject> {
  const { proxy, credentials } = karvon;
  context.say(`${count} short connections`);
  const args = ["churn", "--proxy", proxy, "--target", target, "--user", credentials, "--count", String(count)];
  return new Promise((done, failed) => {
    execFile(context.program, args, { timeout: churnTimeoutMs, maxBuffer: outputBytesMax }, (cause, stdout, stderr) => {
      // Exit code 1 says that some ended otherwise than expected; the JSON then counts them.
      try {
        done(readObject(stdout));
      } catch {
        failed(new BenchError(`The load generator printed no result: ${stderr.trim() || (cause?.message ?? "it ended")}`));
      }
    });
  });
}

async function look(karvon: RunningKarvon, hook: GatewayHook, settleS: number): Promise<Look> {
  const counts = await awaitEmpty(karvon);
  await pause(settleS * 1_000);
  const answers = await hook.ask(karvon.gatewayPids, "collect");
  const warnings = answers.flatMap((answer) => {
    const list = valueAt(answer, ["warnings"]);
    return Array.isArray(list) ? list.map(String) : [];
  });
  const sum = (read: (pid: number) => number): number => karvon.gatewayPids.reduce((all, pid) => all + read(pid), 0);
  const held = karvon.gatewayPids.map((pid) => countDescriptors(pid, karvon.postgresPid));
  return {
    descriptors: held.reduce((all, { own }) => all + own, 0),
    databaseConnections: held.reduce((all, { database }) => all + database, 0),
    listeners: held.reduce((all, { listeners }) => all + listeners, 0),
    rssKb: sum((pid) => readStatusKb(pid, "VmRSS")),
    anonKb: sum((pid) => readStatusKb(pid, "RssAnon")),
    heapUsedKb: total(answers, "heapUsedBytes") / 1_024,
    externalKb: total(answers, "externalBytes") / 1_024,
    warnings,
    ...counts,
  };
}

function total(answers: readonly JsonObject[], name: string): number {
  return answers.reduce((sum, answer) => sum + (numberAt(answer, [name]) ?? 0), 0);
}

type Counts = Pick<Look, "faults" | "connectionsOpen" | "sessionsOpen">;

async function awaitEmpty(karvon: RunningKarvon): Promise<Counts> {
  const deadlineMs = performance.now() + emptyTimeoutMs;
  for (;;) {
    const counts = await readCounts(karvon.opsUrls);
    if ((counts.connectionsOpen === 0 && counts.sessionsOpen === 0) || performance.now() > deadlineMs) return counts;
    await pause(pollMs);
  }
}

async function readCounts(opsUrls: readonly string[]): Promise<Counts> {
  const answers = await Promise.all(opsUrls.map((url) => fetch(new URL("/metrics", url), { signal: AbortSignal.timeout(10_000) })));
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  const metric = (name: string): number =>
    Array.from(texts.join("\n").matchAll(new RegExp(String.raw`^${name}(?:\{[^}]*\})? (\S+)$`, "gm"))).reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  return {
    faults: metric("karvon_faults_total"),
    connectionsOpen: metric("karvon_connections_open"),
    sessionsOpen: metric("karvon_sessions_open"),
  };
}

function readStatusKb(pid: number, name: string): number {
  const match = new RegExp(String.raw`^${name}:\s+(\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0);
}
