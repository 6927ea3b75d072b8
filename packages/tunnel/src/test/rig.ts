/**
 * A whole line for tests over real sockets: client, gateway listener, tunnel over TLS 1.3, node, target.
 *
 * Every `open...` and `start...` registers what it opened; `closeAll` ends it.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Allowance } from "../allowance.ts";
import { createTunnel } from "../tunnel.ts";
import type { MemoryPressure, StreamEnd, Tunnel, TunnelEnd, TunnelLimits, TunnelOptions, TunnelStream } from "../types.ts";
import { testCertificate, testKey } from "./certificate.ts";

// Node takes highWaterMark here; its types do not list it.
const serverOptions = { key: testKey, cert: testCertificate, minVersion: "TLSv1.3" as const, highWaterMark: 65_536 };
const clientOptions = { host: "127.0.0.1", rejectUnauthorized: false, highWaterMark: 65_536 };
const socketOptions = { allowHalfOpen: true, noDelay: true, highWaterMark: 65_536 };

export class Rig {
  readonly #closers: (() => void)[] = [];

  onClose(closer: () => void): void {
    this.#closers.push(closer);
  }

  closeAll(): void {
    for (const closer of this.#closers.splice(0).toReversed()) closer();
  }

  /** Both ends of one TLS 1.3 connection over loopback. `via` replaces the port that the client dials. */
  async openTls(via?: (port: number) => Promise<number>): Promise<{ server: TLSSocket; client: TLSSocket }> {
    const listener = createTlsServer(serverOptions);
    const port = await listen(listener);
    this.onClose(() => listener.close());
    const accepted = once(listener, "secureConnection");
    const dialled = via === undefined ? port : await via(port);
    const client = connectTls({ port: dialled, ...clientOptions });
    client.on("error", ignore);
    await once(client, "secureConnect");
    const [server]: TLSSocket[] = await accepted;
    if (server === undefined) throw new Error("no connection was accepted");
    server.on("error", ignore);
    this.onClose(() => client.destroy());
    this.onClose(() => server.destroy());
    return { server, client };
  }

  /** A target server; answers its port. */
  async startTarget(onConnection: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", ignore);
      this.onClose(() => socket.destroy());
      onConnection(socket);
    });
    this.onClose(() => server.close());
    return listen(server);
  }

  async openLine(options: LineOptions = {}): Promise<Line> {
    const { server, client } = await this.openTls(options.via);
    const line: Line = {
      gateway: null,
      node: null,
      port: 0,
      closed: 0,
      streams: [],
      nodeStreams: [],
      ends: [],
      refusals: [],
      gatewayEnd: null,
      nodeEnd: null,
      control: [],
    };
    line.node = createTunnel({
      socket: client,
      role: "node",
      onOpen: options.onOpen ?? ((stream, target) => connectTarget(stream, target, line)),
      onControl: (message) => line.control.push(message),
      onClose: (end) => (line.nodeEnd = end),
      ...(options.nodeLimits === undefined ? {} : { limits: options.nodeLimits }),
    });
    line.gateway = createTunnel({
      socket: server,
      role: "gateway",
      onControl: (message) => line.control.push(message),
      onClose: (end) => (line.gatewayEnd = end),
      ...(options.gatewayLimits === undefined ? {} : { limits: options.gatewayLimits }),
      ...(options.pressure === undefined ? {} : { pressure: options.pressure }),
    });
    line.port = await this.#startGateway(line, options);
    return line;
  }

  /** Every connection to the answered port is carried to the target. */
  async #startGateway(line: Line, { targetPort = 1, allowance }: LineOptions): Promise<number> {
    const server = createServer({ allowHalfOpen: true, highWaterMark: 65_536, noDelay: true, pauseOnConnect: true }, (socket) => {
      socket.on("error", ignore);
      this.onClose(() => socket.destroy());
      socket.once("close", () => (line.closed += 1));
      const stream = gatewayOf(line).open(
        { host: "127.0.0.1", port: targetPort },
        {
          onOpened() {
            if (allowance !== undefined) stream.spendFrom(allowance);
            stream.attach(socket);
          },
          onRefused: (code) => {
            line.refusals.push(code);
            socket.destroy();
          },
          onEnd: (end) => line.ends.push(end),
        },
      );
      line.streams.push(stream);
    });
    this.onClose(() => server.close());
    return listen(server);
  }

  /** A client of the line. */
  async dial(port: number): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", ignore);
    this.onClose(() => socket.destroy());
    await once(socket, "connect");
    return socket;
  }
}

export interface LineOptions {
  readonly targetPort?: number;
  readonly gatewayLimits?: Partial<TunnelLimits>;
  readonly nodeLimits?: Partial<TunnelLimits>;
  readonly onOpen?: NonNullable<TunnelOptions["onOpen"]>;
  readonly via?: (port: number) => Promise<number>;
  readonly pressure?: MemoryPressure;
  /** Of all its streams on the gateway's side. */
  readonly allowance?: Allowance;
}

export interface Line {
  gateway: Tunnel | null;
  node: Tunnel | null;
  /** Where clients connect. */
  port: number;
  /** How many of the gateway's sockets of clients are closed. */
  closed: number;
  readonly streams: TunnelStream[];
  readonly nodeStreams: TunnelStream[];
  readonly ends: StreamEnd[];
  readonly refusals: string[];
  gatewayEnd: TunnelEnd | null;
  nodeEnd: TunnelEnd | null;
  readonly control: unknown[];
}

export function gatewayOf(line: Line): Tunnel {
  if (line.gateway === null) throw new Error("the line has no gateway yet");
  return line.gateway;
}

export function nodeOf(line: Line): Tunnel {
  if (line.node === null) throw new Error("the line has no node yet");
  return line.node;
}

/** What a node does, without its policy: connects to where it is told and pipes. */
export function connectTarget(stream: TunnelStream, target: { host: string; port: number }, line: Line): void {
  line.nodeStreams.push(stream);
  const socket = connect({ host: target.host, port: target.port, ...socketOptions });
  let isOpen = false;
  socket.on("error", () => {
    if (!isOpen) stream.reset("refused");
  });
  socket.once("connect", () => {
    isOpen = true;
    stream.opened({ address: socket.remoteAddress ?? "", family: 4, connectMs: 1 });
    stream.attach(socket);
  });
  stream.onEnd(() => {
    if (!isOpen) socket.destroy();
  });
}

export async function listen(server: Server): Promise<number> {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 });
  await once(server, "listening");
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return address.port;
}

/** Polls until `condition` holds; throws with `what` after the deadline. */
export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function ignore(): void {
  // Errors of test sockets show in what the test observes.
}
