/** A proxy under measurement, as the benchmark sees it: how it is reached, who may use it, which processes it is. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { numberAt } from "./json.ts";
import { BenchError } from "./build-load.ts";
import type { Peer } from "./peer-names.ts";
import { startAnnounced, type Place, type RunningProcess } from "./processes.ts";
import type { Account, Mode } from "./run-load.ts";
import type { Way } from "./works.ts";

/** How the load generator gets to the origin through a peer. */
export interface Entrance {
  readonly mode: Mode;
  /** host:port of the proxy; absent in mode "direct". */
  readonly proxy?: string;
  /** user:password. */
  readonly credentials?: string;
  /** In place of the origin's address: a peer that always leads to the origin is asked for nothing. */
  readonly target?: string;
}

export interface RunningPeer {
  readonly peer: Peer;
  readonly entrances: Partial<Readonly<Record<Way, Entrance>>>;
  /** By role; "server" is what the figures are about. */
  readonly accounts: Readonly<Record<string, Account>>;
  close(): Promise<void>;
}

export interface PeerStart {
  /** host:port. */
  readonly origin: string;
  /** bench/dist. */
  readonly buildDir: string;
}

const proxyChainScript = join(import.meta.dirname, "..", "peers", "proxy-chain.mjs");

/** As a server of its own, with Node's default flags and one user. */
export async function startProxyChain(): Promise<RunningPeer> {
  const [user, password] = ["bench", "pxkBenchBenchBenchBenchBe01"];
  const started = await startAnnounced({ argv: [process.execPath, proxyChainScript, user, password], place: "server" });
  const through = { proxy: `127.0.0.1:${announcedPort(started.announced)}`, credentials: `${user}:${password}` };
  return {
    peer: "proxy-chain",
    entrances: { tunnel: { mode: "connect", ...through }, absolute: { mode: "http", ...through } },
    accounts: { server: { pids: [started.pid] } },
    close: () => started.close(),
  };
}

export interface RunningOrigin extends RunningProcess {
  /** host:port. */
  readonly address: string;
}

export interface OriginOptions {
  readonly place?: Place;
  /** Where it listens; 127.0.0.1 unless told otherwise. */
  readonly host?: string;
  /** Put before its command line: what enters a network namespace. */
  readonly prefix?: readonly string[];
}

/** The origin every request ends at: the load generator's other half. */
export async function startOrigin(program: string, options: OriginOptions = {}): Promise<RunningOrigin> {
  const { place = "rest", host = "127.0.0.1", prefix = [] } = options;
  const started = await startAnnounced({ argv: [...prefix, program, "origin", "--listen", `${host}:0`], place });
  return { ...started, address: `${host}:${announcedPort(started.announced)}` };
}

export function announcedPort(announced: unknown): number {
  const port = numberAt(announced, ["port"]);
  if (port === undefined) throw new BenchError("A child did not say on which port it listens.");
  return port;
}

/**
 * Puts a peer together from programs of a machine: `build` gets a folder for its configuration, which anybody may enter since some
 * peers drop their rights, and says with `keep` what it started. When it fails, and at the end, all of it is taken away.
 */
export async function assemblePeer(
  peer: Peer,
  build: (folder: string, keep: <Part extends RunningProcess>(part: Part) => Part) => Promise<Omit<RunningPeer, "peer" | "close">>,
): Promise<RunningPeer> {
  const folder = mkdtempSync(join(tmpdir(), `karvon-bench-${peer}-`));
  const parts: RunningProcess[] = [];
  const close = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const built = await build(folder, (part) => {
      parts.push(part);
      return part;
    });
    return { peer, ...built, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}
