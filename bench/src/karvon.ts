/**
 * The whole of Karvon on loopback, for as long as the measurement lasts: the launcher with its embedded PostgreSQL, panels
 * and gateway from their `dist` folders, a client with 1 TB and one proxy user, and a fleet of nodes in one process.
 * Authentication, destination policy, metering and the flush every 5 s are on, as in production; the demo is off.
 *
 * Promises: a data folder of its own under the system's temporary folder, removed at the end; ports of its own; nothing
 * is left running. Limits: 120 s to start, 60 s until all nodes serve.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startPostgres } from "@karvon/postgres";
import { readPepper, readTunnelIdentity } from "@karvon/settings";
import { BenchError } from "./build-load.ts";
import { numberAt, readObject, textAt, type JsonObject } from "./json.ts";
import type { RunningPeer } from "./peer.ts";
import { pin, startAnnounced, startProcess, type RunningProcess } from "./processes.ts";
import { seedKarvon, type SeededKarvon } from "./seed-karvon.ts";

export interface RunningKarvon extends RunningPeer {
  readonly panelUrl: string;
  readonly webPid: number;
  /** Who may sign in to the panels as the measured client. */
  readonly login: { readonly email: string; readonly password: string };
}

export interface KarvonOptions {
  /** host:port of the origin: the one loopback target that the destination policy lets through. */
  readonly origin: string;
  readonly nodes: number;
  /** bench/dist/nodes.mjs. */
  readonly nodesProgram: string;
}

const root = join(import.meta.dirname, "..", "..");
const startTimeoutMs = 120_000;
const pollMs = 100;

interface ReadyFacts {
  readonly panelUrl: string;
  /** host:port. */
  readonly proxy: string;
  readonly tunnel: { readonly host: string; readonly port: number };
  readonly pids: { readonly web: number; readonly proxy: number; readonly postgres: number };
}

export async function startKarvon(options: KarvonOptions): Promise<RunningKarvon> {
  const program = join(root, "apps", "launcher", "dist", "main.mjs");
  if (!existsSync(program)) throw new BenchError("Karvon is not built; run npm run build first.");
  const dataDir = mkdtempSync(join(tmpdir(), "karvon-bench-"));
  const launcher = startProcess({
    argv: [process.execPath, program],
    place: "rest",
    env: environmentFor(dataDir, options.origin),
    cwd: root,
  });
  const parts: RunningProcess[] = [launcher];
  const close = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const ready = await waitForReady(join(dataDir, "ready.json"), launcher);
    pin(ready.pids.proxy, "server");
    const seeded = await seedThrough(dataDir, ready, options.nodes);
    const nodes = await startNodes(options, dataDir, seeded);
    parts.push(nodes);
    return {
      peer: "karvon",
      proxy: ready.proxy,
      credentials: seeded.proxyCredentials,
      accounts: { server: [ready.pids.proxy], database: [ready.pids.postgres], nodes: [nodes.pid] },
      panelUrl: ready.panelUrl,
      webPid: ready.pids.web,
      login: seeded.login,
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** Ours without any Karvon setting: what stands in the shell must not leak into the measurement. */
function environmentFor(dataDir: string, origin: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(KARVON_|GEOIP_|DATABASE_URL$|SMTP_URL$)/.test(name));
  const ports = ["PANEL", "PROXY", "TUNNEL", "OPS"].map((name) => [`KARVON_${name}_PORT`, "0"] as const);
  return {
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(ports),
    NODE_ENV: "production",
    KARVON_DATA_DIR: dataDir,
    KARVON_DEMO: "0",
    KARVON_EGRESS_ALLOW: origin,
    KARVON_TRUSTED_PROXIES: "127.0.0.1/32",
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
    pids: { web: number("pids", "web"), proxy: number("pids", "proxy"), postgres: number("pids", "postgres") },
  };
}

function incomplete(path: readonly string[]): never {
  throw new BenchError(`ready.json has no ${path.join(".")}.`);
}

async function seedThrough(dataDir: string, ready: ReadyFacts, nodes: number): Promise<SeededKarvon> {
  // The launcher's own server: startPostgres finds it running in its folder and only says where it is.
  const database = await startPostgres({ dir: join(dataDir, "postgres"), database: "karvon" });
  return seedKarvon({
    databaseUrl: database.url,
    pepper: readPepper(dataDir),
    tunnel: { ...ready.tunnel, spkiPin: readTunnelIdentity(dataDir).spkiPin },
    nodes,
  });
}

function startNodes(options: KarvonOptions, dataDir: string, seeded: SeededKarvon): Promise<RunningProcess> {
  const plan = { folder: join(dataDir, "nodes"), codes: seeded.enrolmentCodes, egressAllow: [options.origin] };
  return startAnnounced({
    argv: [process.execPath, options.nodesProgram],
    place: "rest",
    env: { ...process.env, KARVON_BENCH_NODES: JSON.stringify(plan) },
  });
}
