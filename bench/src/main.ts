/**
 * `npm run bench`: what Karvon carries and costs, beside other proxies, in one run on one machine.
 *
 * Prints one JSON line a figure on standard output and progress on standard error, and writes the figures and the raw
 * runs under bench-results/. Loopback and network namespaces of its own only, bounded in count and time; what it started it
 * stops by pid.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measureApi } from "./api.ts";
import { BenchError, buildLoad } from "./build-load.ts";
import { buildNodes } from "./build-nodes.ts";
import { computeFigures, type Run } from "./figures.ts";
import { measureJournal } from "./journal.ts";
import { numberAt, readObject, textAt, type JsonObject } from "./json.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { measureLeak } from "./leak.ts";
import { measureLink } from "./link.ts";
import { describeMachine } from "./machine.ts";
import { measureDirect, measurePeers, type Plan } from "./measure.ts";
import { readOptions, usage, type Options } from "./options.ts";
import { startOrigin, type RunningPeer } from "./peer.ts";
import { profileGateway } from "./profile.ts";
import { measureRouter } from "./router.ts";
import { measureProcesses } from "./scale-processes.ts";
import type { SpecialContext } from "./special.ts";
import { startOtherPeer } from "./start-peer.ts";
import { figuresTable } from "./table.ts";
import { fleetOf, fleets, workPlan, type Fleet, type SpecialWork, type WorkName } from "./works.ts";
import { putTable } from "./write-docs.ts";

const root = join(import.meta.dirname, "..", "..");
const buildDir = join(root, "bench", "dist");
const resultsDir = join(root, "bench-results");
const docsFile = join(root, "docs", "benchmarks.md");

const specials: Readonly<Record<SpecialWork, (context: SpecialContext) => Promise<void>>> = {
  processes: measureProcesses,
  link: measureLink,
  leak: measureLeak,
  router: measureRouter,
  journal: measureJournal,
};

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
  const runs: Run[] = [];
  const onRun = (run: Run): void => {
    runs.push(run);
    say(describeRun(run));
  };
  for (const fleet of fleets) {
    const works = options.works.filter((work) => fleetOf(work) === fleet);
    if (works.length > 0) await sayFailure(fleet, measureScene({ options, program, fleet, works, onRun }));
    await closeAll();
  }
  const context: SpecialContext = { options, program, buildDir, say, onRun, onClose: (close) => void closers.push(close) };
  for (const work of options.special) {
    await sayFailure(work, specials[work](context));
    await closeAll();
  }
  return runs;
}

/** What cannot be measured must not cost the figures that stand already; the exit code says that some are missing. */
async function sayFailure(name: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (isInterrupted) throw cause;
    process.exitCode = 1;
    say(`${name} was not measured: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

interface Scene {
  readonly options: Options;
  readonly program: string;
  readonly fleet: Fleet;
  readonly works: readonly WorkName[];
  readonly onRun: (run: Run) => void;
}

/** Everything started anew: what a fleet's works did must not be in the memory that the next ones read. */
async function measureScene({ options, program, fleet, works, onRun }: Scene): Promise<void> {
  const origin = await startOrigin(program);
  closers.push(() => origin.close());
  const plan: Plan = {
    program,
    origin: origin.address,
    originPid: origin.pid,
    works,
    repetitions: options.repetitions,
    seconds: options.seconds,
    onRun,
  };
  if (fleet === "usual") await measureDirect(plan);
  const karvon = options.peers.includes("karvon") ? await startOurs(options, origin.address, fleet) : null;
  const running: RunningPeer[] = karvon === null ? [] : [karvon];
  const isShared = works.some((work) => workPlan(work).isOurs !== true);
  for (const name of options.peers) {
    const peer = name === "karvon" || !isShared ? null : await startOtherPeer(name, { origin: origin.address, buildDir }, say);
    if (peer === null) continue;
    closers.push(() => peer.close());
    running.push(peer);
  }
  await measurePeers(plan, running);
  // After the load, when sessions and usage stand in the database.
  if (karvon !== null && options.hasApi && fleet === "usual") await sayFailure("client.overview", measureApi(karvon).then(onRun));
}

async function startOurs(options: Options, origin: string, fleet: Fleet): Promise<RunningKarvon> {
  const nodes = { usual: options.nodes, single: 1, narrow: 10, wide: 1_000 }[fleet];
  say(`starting Karvon: database, panels, gateway, ${nodes} ${nodes === 1 ? "node" : "nodes"}`);
  const nodesProgram = await buildNodes(buildDir);
  // A node takes 256 sessions, one of the demo 1,024: ten must carry a thousand each.
  return startKarvon({
    origin,
    nodes,
    nodesProgram,
    areDemoNodes: fleet === "narrow",
    processes: options.processes,
    onStarted: (close) => void closers.push(close),
  });
}

function describeRun(run: Run): string {
  const shown = [
    ["requestsPerS", "requests/s"],
    ["tunnelsPerS", "tunnels/s"],
    ["downMbPerS", "MB/s down"],
    ["upMbPerS", "MB/s up"],
    ["alive", "alive"],
    ["resumedWhole", "stalled readers whole"],
    ["meanMs", "ms mean"],
    ["unexpected", "unexpected"],
    ["otherCpuPercent", "% of the machine used by others"],
    ["errors", "errors"],
  ] as const;
  const facts = shown.flatMap(([name, unit]) => {
    const value = numberAt(run.result, [name]);
    return value === undefined || value === 0 ? [] : [`${value} ${unit}`];
  });
  const error = textAt(run.result, ["firstError"]) ?? textAt(run.result, ["firstUnexpected"]);
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

function readFigures(files: readonly string[]): readonly JsonObject[] {
  return files.flatMap((file) => {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.filter((line) => line.trim() !== "").map(readObject);
  });
}

function show(options: Options): void {
  const figures = readFigures(options.files);
  if (options.show === "table") process.stdout.write(`${figuresTable(figures)}\n`);
  else writeFileSync(docsFile, putTable(readFileSync(docsFile, "utf8"), figures));
}

async function profile(options: Options, work: WorkName): Promise<void> {
  const program = buildLoad(buildDir);
  const context: SpecialContext = { options, program, buildDir, say, onRun: () => undefined, onClose: (close) => void closers.push(close) };
  process.stdout.write(`${await profileGateway(context, work)}\n`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.isHelp) process.stdout.write(usage);
  else if (options.show !== null) show(options);
  else if (options.profile !== null) await profile(options, options.profile);
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
