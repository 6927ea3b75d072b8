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
  const nodesProgram = await buildNodes(context.buildDir);
  const nodes = fleetOf(work) === "single" ? 1 : options.nodes;
  say("starting Karvon for a profile");
  const karvon = await startKarvon({ origin: origin.address, nodes, nodesProgram, environment: hook.environment });
  context.onClose(async () => {
    await karvon.close();
    hook.close();
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
  return async () => {
    if (!(await ended)) return "perf did not start.";
    const objects = await report(program, file, "dso", 8);
    const symbols = await report(program, file, "symbol", symbolsShown);
    return `${table("all threads, by program", objects)}\n\n${table("all threads, by symbol", symbols)}`;
  };
}

function report(program: string, file: string, sort: "dso" | "symbol", count: number): Promise<readonly string[]> {
  const args = ["report", "-q", "-i", file, "--stdio", "--sort", sort, "--percent-limit", "0.3"];
  return new Promise((done) => {
    execFile(program, args, { maxBuffer: outputBytesMax }, (cause, stdout) => {
      const lines = stdout.split("\n").filter((line) => /^\s*\d/.test(line));
      done(cause !== null && lines.length === 0 ? [`perf report failed: ${cause.message.split("\n", 1)[0]}`] : lines.slice(0, count));
    });
  });
}

function table(title: string, lines: readonly string[]): string {
  const rows = lines.map((line) => {
    const [, percent = "", name = line] = /^\s*([\d.]+)%\s+(.*?)\s*$/.exec(line) ?? [];
    return `| ${name.replaceAll("|", "\\|")} | ${percent} |`;
  });
  return [`| ${title} | % |`, "|---|---:|", ...rows].join("\n");
}
