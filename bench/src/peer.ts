/** A proxy under measurement, as the benchmark sees it: where it listens, who may use it, which processes it is. */
import { join } from "node:path";
import { BenchError } from "./build-load.ts";
import { numberAt } from "./json.ts";
import type { Peer } from "./figures.ts";
import { startAnnounced, type RunningProcess } from "./processes.ts";

export interface RunningPeer {
  readonly peer: Peer;
  /** host:port of the proxy. */
  readonly proxy: string;
  /** user:password. */
  readonly credentials: string;
  /** Process ids by role; "server" is what the figures are about. */
  readonly accounts: Readonly<Record<string, readonly number[]>>;
  close(): Promise<void>;
}

const peerScript = join(import.meta.dirname, "..", "peers", "proxy-chain.mjs");

/** As a server of its own, with Node's default flags and one user. */
export async function startProxyChain(): Promise<RunningPeer> {
  const [user, password] = ["bench", "pxkBenchBenchBenchBenchBe01"];
  const started = await startAnnounced({ argv: [process.execPath, peerScript, user, password], place: "server" });
  const port = announcedPort(started.announced);
  return {
    peer: "proxy-chain",
    proxy: `127.0.0.1:${port}`,
    credentials: `${user}:${password}`,
    accounts: { server: [started.pid] },
    close: () => started.close(),
  };
}

export interface RunningOrigin extends RunningProcess {
  /** host:port. */
  readonly address: string;
}

/** The origin every request ends at: the load generator's other half. */
export async function startOrigin(program: string): Promise<RunningOrigin> {
  const started = await startAnnounced({ argv: [program, "origin", "--listen", "127.0.0.1:0"], place: "rest" });
  return { ...started, address: `127.0.0.1:${announcedPort(started.announced)}` };
}

function announcedPort(announced: unknown): number {
  const port = numberAt(announced, ["port"]);
  if (port === undefined) throw new BenchError("A child did not say on which port it listens.");
  return port;
}
