/**
 * The tunnel port: TLS 1.3 only, ALPN `karvon/1`, ended in this process because the channel binding must be.
 *
 * A PROXY protocol header is read from trusted addresses only, before the handshake, and is optional there. The default
 * handshake timeout of Node reports a silent peer but leaves its socket open; here it is destroyed.
 *
 * Limits: 10 s each for header and handshake; the descriptor budget's connections in handshake, beyond which one is closed
 * (TLS leaves no way to say why), and its tunnels, beyond which `onTunnel` is told that there is no room.
 */
import { isInPrefixes, type Prefix } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import { proxyHeaderBytesMax, readProxyHeader } from "@karvon/wire";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { DescriptorBudget } from "../gateway/descriptor-budget.ts";
import { plainAddress } from "../session/source-key.ts";

export const tunnelProtocol = "karvon/1";

export interface TunnelListenerOptions {
  readonly port: number;
  readonly keyPem: string;
  readonly certPem: string;
  readonly trustedProxies: readonly Prefix[];
  readonly log: Logger;
  readonly descriptors: DescriptorBudget;
  readonly onTunnel: (socket: TLSSocket, address: string, hasRoom: boolean) => void;
}

export interface TunnelListener {
  readonly port: number;
  stopAccepting(): void;
  close(): Promise<void>;
}

const handshakeTimeoutMs = 10_000;

export async function listenTunnels(options: TunnelListenerOptions): Promise<TunnelListener> {
  const sockets = new TunnelSockets(options.descriptors);
  /** The device's address, and the TCP connection, by the end of the one that is in handshake. */
  const addresses = new Map<string, { address: string; tcp: Socket }>();

  // Node takes highWaterMark here although its types do not list it: one TLS record more or less a read.
  const tlsOptions = {
    key: options.keyPem,
    cert: options.certPem,
    minVersion: "TLSv1.3" as const,
    ciphers: "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384",
    ALPNProtocols: [tunnelProtocol],
    handshakeTimeout: handshakeTimeoutMs,
    highWaterMark: 65_536,
    noDelay: true,
  };
  const tls = createTlsServer(tlsOptions, (socket) => {
    const key = endOf(socket);
    const from = addresses.get(key);
    addresses.delete(key);
    socket.on("error", ignoreError);
    if (from === undefined || socket.alpnProtocol !== tunnelProtocol) {
      socket.destroy();
      return;
    }
    options.onTunnel(socket, from.address, sockets.secured(from.tcp));
  });
  tls.on("tlsClientError", (cause, socket) => {
    addresses.delete(endOf(socket));
    options.log.debug({ event: "tunnel.handshake-failed", cause });
    socket.destroy();
  });

  function beginTls(socket: Socket, address: string): void {
    const key = endOf(socket);
    addresses.set(key, { address, tcp: socket });
    socket.once("close", () => addresses.delete(key));
    tls.emit("connection", socket);
  }

  const tcp = createTcpServer({ noDelay: true, highWaterMark: 65_536 }, (socket) => {
    socket.on("error", ignoreError);
    if (!sockets.accepted(socket)) return;
    const peer = plainAddress(socket.remoteAddress);
    if (isInPrefixes(peer, options.trustedProxies)) readHeader(socket, peer, beginTls);
    else beginTls(socket, peer);
  });
  tcp.on("error", (cause) => options.log.error({ event: "tunnel.listener-failed", cause }));

  const port = await new Promise<number>((resolve, reject) => {
    tcp.once("error", reject);
    tcp.listen({ port: options.port, backlog: 4_096 }, () => {
      tcp.off("error", reject);
      const bound = tcp.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : options.port);
    });
  });

  return {
    port,
    stopAccepting() {
      tcp.close();
    },
    async close() {
      const isClosed = new Promise<void>((resolve) => {
        tcp.close(() => resolve());
      });
      sockets.destroyAll();
      await isClosed;
    },
  };
}

/** Every connection of the port, and what it counts as in the budget. */
class TunnelSockets {
  readonly #descriptors: DescriptorBudget;
  /** Whether its handshake is done. */
  readonly #sockets = new Map<Socket, boolean>();
  #handshakes = 0;

  constructor(descriptors: DescriptorBudget) {
    this.#descriptors = descriptors;
  }

  /** False when there are too many handshakes: the connection is closed then. */
  accepted(socket: Socket): boolean {
    if (this.#handshakes >= this.#descriptors.plan.handshakesMax) {
      socket.destroy();
      return false;
    }
    this.#handshakes += 1;
    this.#sockets.set(socket, false);
    socket.once("close", () => {
      if (this.#sockets.get(socket) === true) this.#descriptors.tunnels -= 1;
      else this.#handshakes -= 1;
      this.#sockets.delete(socket);
    });
    return true;
  }

  /** Whether there is room for one more tunnel. It is counted either way: it holds a descriptor until it is closed. */
  secured(socket: Socket): boolean {
    const { hasRoomForTunnel } = this.#descriptors;
    if (this.#sockets.get(socket) !== false) return false;
    this.#sockets.set(socket, true);
    this.#handshakes -= 1;
    this.#descriptors.tunnels += 1;
    return hasRoomForTunnel;
  }

  destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}

/** Reads an optional PROXY header; what follows it goes back into the socket for the TLS handshake. */
function readHeader(socket: Socket, peer: string, onAddress: (socket: Socket, address: string) => void): void {
  let received: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
  socket.once("close", () => clearTimeout(timer));
  socket.on("data", onData);

  function onData(chunk: Buffer): void {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const header = readProxyHeader(received);
    if (header.kind === "more" && received.length < proxyHeaderBytesMax) return;
    if (header.kind === "more" || header.kind === "malformed") {
      socket.destroy();
      return;
    }
    clearTimeout(timer);
    socket.off("data", onData);
    socket.pause();
    const rest = header.kind === "absent" ? received : received.subarray(header.consumed);
    if (rest.length > 0) socket.unshift(rest);
    const source = header.kind === "absent" ? null : header.message.source;
    onAddress(socket, source === null ? peer : plainAddress(source.address));
  }
}

function endOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ""} ${socket.remotePort ?? 0} ${socket.localPort ?? 0}`;
}

function ignoreError(): void {
  // 'close' follows; whoever owns the socket listens to it.
}
