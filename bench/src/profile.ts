/**
 * `--profile WORK`: where the gateway's CPU goes while it carries that work.
 *
 * Two looks at the same seconds. V8's profiler names the JavaScript functions and sums up what is not JavaScript as
 * "(program)"; `perf`, where it is installed and allowed, splits that into kernel, TLS and copies. Their shares are of different wholes: V8's of
 * the main thread, perf's of all threads of the process.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { numberAt, textAt, valueAt, type JsonObject } from "./json.ts";
import { openGatewayHook } from "./gateway-hook.ts";
import { buildNodes } from "./build-nodes.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { startOrigin } from "./peer.ts";
import { runLoad } from "./run-load.ts";
import type { SpecialContext } from "./special.ts";
import { findProgram } from "./start-peer.ts";
import { fleetOf, wayOf, workArguments, type WorkName } from "./works.ts";

const functionsShown = 25;
const symbolsShown = 25;
const perfHz = 499;
const outputBytesMax = 20_000_000;
const warmupS = 1;

export async function profileGateway(context: SpecialContext, work: WorkName): Promise<string> {
  const { options, say } = context;
  const origin = await startOrigin(context.program);
  context.onClose(() => origin.close());
  const hook = openGatewayHook();
  context.onClose(() => Promise.resolve(hook.close()));
  const nodesProgram = await buildNodes(context.buildDir);
  const nodes = fleetOf(work) === "single" ? 1 : options.nodes;
  say("starting Karvon for a profile");
  const karvon = await startKarvon({
    origin: origin.address,
    nodes,
    nodesProgram,
    environment: hook.environment,
    onStarted: context.onClose,
  });
  const pids = karvon.gatewayPids.slice(0, 1);
  // Once unwatched, so that what is looked at is compiled code.
  await load(context, karvon, origin.address, work, 2);
  await hook.ask(pids, "start");
  const perf = startPerf(context.buildDir, pids[0] ?? 0, options.seconds);
  const result = await load(context, karvon, origin.address, work, options.seconds);
  const [answer] = await hook.ask(pids, "stop");
  const native = await perf();
  const rate = ["requestsPerS", "tunnelsPerS", "downMbPerS", "upMbPerS"].map((name) => `${name} ${numberAt(result, [name]) ?? 0}`);
  const parts = [`Work ${work}: ${rate.join(", ")}.`, describeFunctions(valueAt(answer, ["profile"])), native];
  return parts.join("\n\n");
}

function load(context: SpecialContext, karvon: RunningKarvon, origin: string, work: WorkName, seconds: number): Promise<JsonObject> {
  const entrance = karvon.entrances[wayOf(work)];
  return runLoad({
    program: context.program,
    mode: "connect",
    ...entrance,
    origin,
    accounts: karvon.accounts,
    work: workArguments(work, { seconds, warmupS }),
  });
}

interface Self {
  readonly name: string;
  us: number;
}

/** Self time by function, in percent of what was not idle. */
export function describeFunctions(profile: unknown): string {
  const byName = new Map<string, Self>();
  for (const { name, us } of selfTimes(profile)) {
    const self = byName.get(name);
    if (self === undefined) byName.set(name, { name, us });
    else self.us += us;
  }
  byName.delete("(idle)");
  const selves = Array.from(byName.values()).toSorted((a, b) => b.us - a.us);
  const all = selves.reduce((sum, { us }) => sum + us, 0);
  const lines = selves.slice(0, functionsShown).map(({ name, us }) => `| ${name} | ${((100 * us) / all).toFixed(1)} |`);
  return ["| main thread, self time | % |", "|---|---:|", ...lines].join("\n");
}

function selfTimes(profile: unknown): readonly Self[] {
  const list = (name: string): readonly unknown[] => {
    const value = valueAt(profile, [name]);
    return Array.isArray(value) ? value : [];
  };
  const names = new Map(list("nodes").map((node) => [numberAt(node, ["id"]), nameOf(node)]));
  const deltas = list("timeDeltas");
  return list("samples").map((id, index) => ({ name: names.get(Number(id)) ?? "(unknown)", us: Number(deltas[index] ?? 0) }));
}

function nameOf(node: unknown): string {
  const name = textAt(node, ["callFrame", "functionName"]) ?? "";
  const url = textAt(node, ["callFrame", "url"]) ?? "";
  if (url === "") return name || "(anonymous)";
  const file = url.split("/").at(-1) ?? url;
  return `${name || "(anonymous)"} ${file}:${(numberAt(node, ["callFrame", "lineNumber"]) ?? 0) + 1}`;
}

/** Records until the time is over; the returned function waits for it and tells what it saw. */
function startPerf(buildDir: string, pid: number, seconds: number): () => Promise<string> {
  const program = findProgram("perf");
  if (program === null)
    return () => Promise.resolve("perf is not installed (Debian: apt-get install linux-perf): no split of what is not JavaScript.");
  const file = join(buildDir, "perf.data");
  const args = ["record", "-q", "-e", "cpu-clock", "-F", String(perfHz), "-p", String(pid), "-o", file, "--", "sleep", String(seconds)];
  const child = spawn(program, args, { stdio: "ignore" });
  const ended = once(child, "exit").then(
    () => true,
    () => false,
  );
  return async () => ((await ended) ? describeNative(await report(program, file)) : "perf did not start.");
}

function report(program: string, file: string): Promise<string> {
  const args = ["report", "-q", "-i", file, "--stdio", "-F", "overhead,dso,sym", "--percent-limit", "0"];
  return new Promise((done) => execFile(program, args, { maxBuffer: outputBytesMax }, (_, stdout) => done(stdout)));
}

/** First match decides. What a symbol belongs to can be told from its name; what has none is compiled JavaScript. */
const kinds: readonly (readonly [string, RegExp])[] = [
  ["kernel: sockets, TCP, epoll, copies", /\[k\]/],
  ["TLS: AES-GCM and OpenSSL", /aes|gcm|ghash|sha\d|evp_|ssl|crypto_|bio_|tls_?wrap|tls13/i],
  ["JavaScript: compiled code and builtins", /\[JIT\]|perf-\d+\.map|\[unknown\]|Builtins_/],
  ["copies and allocation", /mem(cpy|move|set)|malloc|free\b|calloc|realloc|_int_/],
  ["V8: garbage collection, handles, runtime", /v8::/],
  ["Node and libuv", /node::|uv_/],
];

interface Sample {
  readonly percent: number;
  readonly symbol: string;
  readonly kind: string;
}

/** Shares of the process's CPU by kind and by symbol, from `perf report -F overhead,dso,sym`. */
export function describeNative(text: string): string {
  const samples = text.split("\n").flatMap((line): readonly Sample[] => {
    const [, percent = "", dso = "", symbol = ""] = /^\s*([\d.]+)%\s+(\S+(?: tid \d+)?)\s+(\[.\] .*?)\s*$/.exec(line) ?? [];
    const kind = kinds.find(([, pattern]) => pattern.test(`${dso} ${symbol}`))?.[0] ?? "other";
    return percent === "" ? [] : [{ percent: Number(percent), symbol, kind }];
  });
  if (samples.length === 0) return "perf saw nothing.";
  const sums = new Map<string, number>();
  for (const { kind, percent } of samples) sums.set(kind, (sums.get(kind) ?? 0) + percent);
  const byKind = Array.from(sums).toSorted((a, b) => b[1] - a[1]);
  const named = samples.filter(({ symbol }) => !/^\[.\] 0x/.test(symbol)).slice(0, symbolsShown);
  return [
    "| all threads, by kind | % |",
    "|---|---:|",
    ...byKind.map(([kind, percent]) => `| ${kind} | ${percent.toFixed(1)} |`),
    "",
    "| all threads, by symbol | % |",
    "|---|---:|",
    ...named.map(({ symbol, percent }) => `| ${symbol.replaceAll("|", "/")} | ${percent} |`),
  ].join("\n");
}
