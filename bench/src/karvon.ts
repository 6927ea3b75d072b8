/**
 * The whole of Karvon on loopback, for as long as the measurement lasts: the launcher with its embedded PostgreSQL, panels
 * and gateway from their `dist` folders, a client with 1 TB and one proxy user, and a fleet of nodes in a few processes.
 * Authentication, destination policy, metering and the flush every 5 s are on, as in production; the demo is off.
 *
 * Promises: a data folder of its own under the system's temporary folder, removed at the end; ports of its own; nothing
 * is left running. Limits: 120 s to start, 150 s until all nodes serve, 250 nodes a process.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startPostgres } from "@karvon/postgres";
import { readPepper, readTunnelIdentity } from "@karvon/settings";
import { BenchError } from "./build-load.ts";
import { numberAt, readObject, textAt, valueAt, type JsonObject } from "./json.ts";
import type { RunningPeer } from "./peer.ts";
import { pin, startAnnounced, startProcess, type Place, type RunningProcess } from "./processes.ts";
import { seedKarvon, type SeededKarvon } from "./seed-karvon.ts";

export interface RunningKarvon extends RunningPeer {
  readonly dataDir: string;
  readonly panelUrl: string;
  /** Of each gateway process. */
  readonly opsUrls: readonly string[];
  /** host:port. */
  readonly proxy: string;
  /** user:password of the proxy user. */
  readonly credentials: string;
  readonly webPid: number;
  readonly postgresPid: number;
  /** Every gateway process. */
  readonly gatewayPids: readonly number[];
  /** Who may sign in to the panels as the measured client. */
  readonly login: { readonly email: string; readonly password: string };
}

export interface KarvonOptions {
  /** host:port of the origin: the one target that the destination policy lets through although it is not public. */
  readonly origin: string;
  readonly nodes: number;
  /** Nodes of the demo carry 1,024 sessions each where others carry 256. */
  readonly areDemoNodes?: boolean;
  /** bench/dist/nodes.mjs. */
  readonly nodesProgram: string;
  /** Gateway processes that share the ports; one unless told otherwise, without the setting. */
  readonly processes?: number;
  /** Where the gateway runs: on its own core, or on all of them. */
  readonly place?: Place;
  /** Called at once with what takes everything down, for those who may be interrupted before it all serves. */
  readonly onStarted: (close: () => Promise<void>) => void;
  /** More environment for the launcher and what it starts. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where nodes find the gateway, and what enters the place they live in, when that is another network namespace. */
  readonly far?: { readonly gatewayHost: string; readonly nodeHost: string; readonly prefix: readonly string[] };
}

const root = join(import.meta.dirname, "..", "..");
const startTimeoutMs = 120_000;
/** It stops the panels, the gateway (which flushes once more) and PostgreSQL in turn. */
const launcherStopMs = 30_000;
const nodesTimeoutMs = 150_000;
const nodesPerProcess = 250;
const pollMs = 100;

interface ReadyFacts {
  readonly panelUrl: string;
  readonly opsUrls: readonly string[];
  /** host:port. */
  readonly proxy: string;
  readonly tunnel: { readonly host: string; readonly port: number };
  readonly webPid: number;
  readonly postgresPid: number;
  readonly gatewayPids: readonly number[];
}

export async function startKarvon(options: KarvonOptions): Promise<RunningKarvon> {
  const program = join(root, "apps", "launcher", "dist", "main.mjs");
  if (!existsSync(program)) throw new BenchError("Karvon is not built; run npm run build first.");
  const { place = "server" } = options;
  const rest: Place = place === "server" ? "rest" : "anywhere";
  const dataDir = mkdtempSync(join(tmpdir(), "karvon-bench-"));
  const launcher = startProcess({
    argv: [process.execPath, program],
    place: rest,
    env: environmentFor(dataDir, options),
    cwd: root,
    stopTimeoutMs: launcherStopMs,
  });
  const parts: RunningProcess[] = [launcher];
  const close = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  options.onStarted(close);
  try {
    const ready = await waitForReady(join(dataDir, "ready.json"), launcher);
    for (const pid of ready.gatewayPids) pin(pid, place);
    const seeded = await seedThrough(dataDir, ready, options);
    const nodes = await startNodes(options, dataDir, seeded, rest);
    parts.push(...nodes);
    return describe({ dataDir, ready, seeded, nodePids: nodes.map((part) => part.pid), close });
  } catch (cause) {
    await close();
    throw cause;
  }
}

interface Started {
  readonly dataDir: string;
  readonly ready: ReadyFacts;
  readonly seeded: SeededKarvon;
  readonly nodePids: readonly number[];
  readonly close: () => Promise<void>;
}

function describe({ dataDir, ready, seeded, nodePids, close }: Started): RunningKarvon {
  const { proxy, gatewayPids, webPid, postgresPid, panelUrl, opsUrls } = ready;
  const through = { proxy, credentials: seeded.proxyCredentials };
  return {
    peer: "karvon",
    entrances: {
      tunnel: { mode: "connect", ...through },
      absolute: { mode: "http", ...through },
      socks5: { mode: "socks5", ...through },
    },
    accounts: {
      server: { pids: gatewayPids },
      database: { pids: [postgresPid], isFamily: true },
      nodes: { pids: nodePids },
    },
    dataDir,
    panelUrl,
    opsUrls,
    proxy,
    gatewayPids,
    webPid,
    postgresPid,
    close,
    credentials: seeded.proxyCredentials,
    login: seeded.login,
  };
}

/** Ours without any Karvon setting: what stands in the shell must not leak into the measurement. */
function environmentFor(dataDir: string, { origin, processes = 1, environment, far }: KarvonOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(KARVON_|GEOIP_|DATABASE_URL$|SMTP_URL$)/.test(name));
  const ports = ["PANEL", "PROXY", "TUNNEL", "OPS"].map((name) => [`KARVON_${name}_PORT`, "0"] as const);
  return {
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(ports),
    NODE_ENV: "production",
    KARVON_DATA_DIR: dataDir,
    KARVON_DEMO: "0",
    KARVON_EGRESS_ALLOW: origin,
    KARVON_TRUSTED_PROXIES: `${far?.nodeHost ?? "127.0.0.1"}/32`,
    ...(processes > 1 ? { KARVON_GATEWAY_PROCESSES: String(processes) } : {}),
    ...environment,
  };
}

async function waitForReady(file: string, launcher: RunningProcess): Promise<ReadyFacts> {
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!existsSync(file)) {
    if (launcher.hasEnded()) throw new BenchError(`Karvon did not start: ${launcher.tail()}`);
    if (performance.now() > deadlineMs) throw new BenchError(`Karvon did not start within ${startTimeoutMs / 1000} s: ${launcher.tail()}`);
    await pause(pollMs);
  }
  return readReady(readObject(readFileSync(file, "utf8")));
}

function readReady(facts: JsonObject): ReadyFacts {
  const text = (...path: readonly string[]): string => textAt(facts, path) ?? incomplete(path);
  const number = (...path: readonly string[]): number => numberAt(facts, path) ?? incomplete(path);
  return {
    panelUrl: text("panelUrl"),
    proxy: `${text("proxy", "host")}:${number("proxy", "port")}`,
    tunnel: { host: text("tunnel", "host"), port: number("tunnel", "port") },
    webPid: number("pids", "web"),
    postgresPid: number("pids", "postgres"),
    ...readGateways(facts, { pid: number("pids", "proxy"), opsUrl: text("opsUrl") }),
  };
}

/** Where several gateway processes share the ports, `gateways` lists each with an ops port of its own. */
function readGateways(
  facts: JsonObject,
  only: { readonly pid: number; readonly opsUrl: string },
): Pick<ReadyFacts, "gatewayPids" | "opsUrls"> {
  const value = valueAt(facts, ["gateways"]);
  const gateways: readonly unknown[] = Array.isArray(value) ? value : [only];
  return {
    gatewayPids: gateways.map((gateway) => numberAt(gateway, ["pid"]) ?? incomplete(["gateways", "pid"])),
    opsUrls: gateways.map((gateway) => textAt(gateway, ["opsUrl"]) ?? incomplete(["gateways", "opsUrl"])),
  };
}

function incomplete(path: readonly string[]): never {
  throw new BenchError(`ready.json has no ${path.join(".")}.`);
}

async function seedThrough(dataDir: string, ready: ReadyFacts, options: KarvonOptions): Promise<SeededKarvon> {
  // The launcher's own server: startPostgres finds it running in its folder and only says where it is.
  const database = await startPostgres({ dir: join(dataDir, "postgres"), database: "karvon" });
  const host = options.far?.gatewayHost ?? ready.tunnel.host;
  return seedKarvon({
    databaseUrl: database.url,
    pepper: readPepper(dataDir),
    tunnel: { host, port: ready.tunnel.port, spkiPin: readTunnelIdentity(dataDir).spkiPin },
    nodes: options.nodes,
    areDemo: options.areDemoNodes ?? false,
  });
}

/** All at once; when one part of the fleet does not come up, the others are taken down again. */
async function startNodes(options: KarvonOptions, dataDir: string, seeded: SeededKarvon, place: Place): Promise<readonly RunningProcess[]> {
  const parts: Promise<RunningProcess>[] = [];
  for (let first = 0; first < options.nodes; first += nodesPerProcess) {
    const codes = seeded.enrolmentCodes.slice(first, first + nodesPerProcess);
    const plan = { folder: join(dataDir, "nodes"), codes, firstNumber: first, egressAllow: [options.origin] };
    const argv = [...(options.far?.prefix ?? []), process.execPath, options.nodesProgram];
    parts.push(startAnnounced({ argv, place, env: { ...process.env, KARVON_BENCH_NODES: JSON.stringify(plan) } }, nodesTimeoutMs));
  }
  const outcomes = await Promise.allSettled(parts);
  const started = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return started;
  for (const part of started) await part.close();
  throw failure.reason;
}
