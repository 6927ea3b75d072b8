/** A gateway whose one node answers when it is told to, and a target that behaves as its port says. */
import type { Target, TunnelStream } from "@karvon/tunnel";
import { until } from "@karvon/testkit";
import { createServer, type Server, type Socket } from "node:net";
import { basic } from "./raw-client.ts";
import { readMetric } from "./read-metric.ts";
import { type Login, openRig, type Rig } from "./rig.ts";
import { connectTarget, type TestNode } from "./test-node.ts";

export interface VanishWorld {
  readonly rig: Rig;
  readonly login: Login;
  readonly node: TestNode;
  /** Sends without end what nobody may read. */
  readonly firehose: RawTarget;
  /** Ends its side at once, and reads. */
  readonly closing: RawTarget;
  /** Reads everything, says nothing, and ends when the other side does. */
  readonly polite: RawTarget;
  /** While true the node leaves the gateway without an answer. */
  isSilent: boolean;
  /** The node answers what it has left without one. */
  answerAll(): void;
  /** `user:password` as a header line. */
  readonly auth: string;
  /** What the gateway and the node still hold. */
  holdings(): Promise<Holdings>;
  close(): Promise<void>;
}

export interface Holdings {
  readonly sessions: number;
  readonly connections: number;
  readonly streams: number;
  readonly targetSockets: number;
}

export const nothingHeld: Holdings = { sessions: 0, connections: 0, streams: 0, targetSockets: 0 };

export interface RawTarget {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export async function startTarget(onConnection: (socket: Socket) => void): Promise<RawTarget> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the target has no port");
  return {
    port: address.port,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** HTTP first, so that both a tunnel and a plain request find an answer in it. */
function pour(socket: Socket): void {
  const part = Buffer.alloc(65_536, "x");
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n");
  const more = (): void => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on("drain", more);
  socket.resume();
  more();
}

export async function openVanishWorld(): Promise<VanishWorld> {
  const rig = await openRig();
  const login = await rig.makeLogin({ bytes: 1_000_000_000_000n });
  const firehose = await startTarget(pour);
  const closing = await startTarget((socket) => {
    socket.resume();
    socket.end();
  });
  const polite = await startTarget((socket) => {
    socket.resume();
    socket.on("end", () => socket.end());
  });
  const targets = [firehose, closing, polite];
  const unanswered: (() => void)[] = [];
  const node = await rig.addNode({ onOpen: (stream, target) => answer(stream, target) });
  const world = {
    rig,
    login,
    node,
    firehose,
    closing,
    polite,
    isSilent: false,
    answerAll() {
      for (const go of unanswered.splice(0)) go();
    },
    auth: basic(login.username, login.password),
    async holdings(): Promise<Holdings> {
      const metrics = await rig.metrics();
      return {
        sessions: readMetric(metrics, "karvon_sessions_open"),
        connections: readMetric(metrics, "karvon_connections_open"),
        streams: node.tunnel.openStreams,
        targetSockets: targets.reduce((sum, { sockets }) => sum + sockets.size, 0),
      };
    },
    async close() {
      await rig.close();
      for (const target of targets) await target.close();
    },
  };
  function answer(stream: TunnelStream, target: Target): void {
    if (world.isSilent) unanswered.push(() => connectTarget(stream, target));
    else connectTarget(stream, target);
  }
  return world;
}

/** Everything is given back within seconds. */
export async function untilNothingIsHeld(world: VanishWorld): Promise<void> {
  let last: Holdings = nothingHeld;
  await until(
    async () => {
      last = await world.holdings();
      return JSON.stringify(last) === JSON.stringify(nothingHeld);
    },
    { timeoutMs: 5_000 },
  ).catch((cause: unknown) => {
    throw new Error(`still held: ${JSON.stringify(last)}`, { cause });
  });
}
