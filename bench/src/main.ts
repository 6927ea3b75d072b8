/**
 * `npm run bench`: what Karvon carries and costs, beside `proxy-chain`, in one run on one machine.
 *
 * Prints one JSON line a figure on standard output and progress on standard error, and writes the figures and the raw
 * runs under bench-results/. Loopback only, bounded in count and time; what it started it stops by pid.
 */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { measureApi } from "./api.ts";
import { BenchError, buildLoad } from "./build-load.ts";
import { buildNodes } from "./build-nodes.ts";
import { computeFigures, type Run } from "./figures.ts";
import { numberAt, readObject, textAt } from "./json.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { describeMachine } from "./machine.ts";
import { measureDirect, measurePeers, type Plan } from "./measure.ts";
import { readOptions, usage, type Options } from "./options.ts";
import { startOrigin, startProxyChain, type RunningOrigin, type RunningPeer } from "./peer.ts";
import { figuresTable } from "./table.ts";

const root = join(import.meta.dirname, "..", "..");
const buildDir = join(root, "bench", "dist");
const resultsDir = join(root, "bench-results");

/** What has been started, newest last; taken down in the opposite order. */
const closers: (() => Promise<void>)[] = [];

async function closeAll(): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function measure(options: Options): Promise<readonly Run[]> {
  const program = buildLoad(buildDir);
  const origin = await startOrigin(program);
  closers.push(() => origin.close());
  const runs: Run[] = [];
  const onRun = (run: Run): void => {
    runs.push(run);
    say(describeRun(run));
  };
  const plan: Plan = {
    program,
    origin: origin.address,
    originPid: origin.pid,
    works: options.works,
    repetitions: options.repetitions,
    seconds: options.seconds,
    onRun,
  };
  await measureDirect(plan);
  const karvon = options.peers.includes("karvon") ? await startOurs(options, origin) : null;
  const running: RunningPeer[] = karvon === null ? [] : [karvon];
  if (options.peers.includes("proxy-chain")) running.push(await startPeer());
  await measurePeers(plan, running);
  // After the load, when sessions and usage stand in the database.
  if (karvon !== null && options.hasApi) await measureApiOrSay(karvon, onRun);
  return runs;
}

/** Panels that do not answer must not cost the figures that stand already; the exit code says that one is missing. */
async function measureApiOrSay(karvon: RunningKarvon, onRun: (run: Run) => void): Promise<void> {
  try {
    onRun(await measureApi(karvon));
  } catch (cause) {
    process.exitCode = 1;
    say(`client.overview was not measured: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

async function startOurs(options: Options, origin: RunningOrigin): Promise<RunningKarvon> {
  say("starting Karvon: database, panels, gateway, nodes");
  const nodesProgram = await buildNodes(buildDir);
  const karvon = await startKarvon({ origin: origin.address, nodes: options.nodes, nodesProgram });
  closers.push(() => karvon.close());
  return karvon;
}

async function startPeer(): Promise<RunningPeer> {
  const peer = await startProxyChain();
  closers.push(() => peer.close());
  return peer;
}

function describeRun(run: Run): string {
  const shown = [
    ["requestsPerS", "requests/s"],
    ["tunnelsPerS", "tunnels/s"],
    ["downMbPerS", "MB/s down"],
    ["upMbPerS", "MB/s up"],
    ["alive", "alive"],
    ["meanMs", "ms mean"],
    ["otherCpuPercent", "% of the machine used by others"],
    ["errors", "errors"],
  ] as const;
  const facts = shown.flatMap(([name, unit]) => {
    const value = numberAt(run.result, [name]);
    return value === undefined || value === 0 ? [] : [`${value} ${unit}`];
  });
  const error = textAt(run.result, ["firstError"]);
  return `${run.peer} ${run.work} ${run.repetition + 1}: ${facts.join(", ")}${error ? ` (${error})` : ""}`;
}

function report(runs: readonly Run[]): void {
  const at = new Date().toISOString();
  const figures = computeFigures(runs, describeMachine(), at);
  mkdirSync(resultsDir, { recursive: true });
  const name = join(resultsDir, at.replaceAll(":", "-").slice(0, 19));
  for (const run of runs) appendFileSync(`${name}.runs.jsonl`, `${JSON.stringify(run)}\n`);
  for (const figure of figures) {
    const line = `${JSON.stringify(figure)}\n`;
    process.stdout.write(line);
    appendFileSync(`${name}.figures.jsonl`, line);
  }
  say(`written: ${name}.figures.jsonl, ${name}.runs.jsonl`);
}

function printTable(file: string): void {
  const lines = readFileSync(file, "utf8").split("\n");
  process.stdout.write(`${figuresTable(lines.filter((line) => line.trim() !== "").map(readObject))}\n`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.isHelp) process.stdout.write(usage);
  else if (options.table !== undefined) printTable(options.table);
  else report(await measure(options));
}

let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (isInterrupted) return;
    isInterrupted = true;
    say("stopping what was started ...");
    void closeAll().finally(() => process.exit(130));
  });
}

try {
  await main();
} catch (cause) {
  process.exitCode = 1;
  if (!isInterrupted) say(cause instanceof BenchError ? cause.message : String(cause instanceof Error ? cause.stack : cause));
} finally {
  await closeAll();
}
