/**
 * The client ports: accept connections, learn the client's real address, and serve what the first byte says.
 *
 * A PROXY protocol header is read from trusted addresses only, and is optional there; from anybody else it is a
 * malformed request. Whatever a client sends, the worst that happens is the end of its own connection.
 *
 * Limits: the descriptor budget (12,000 at most) and 200 more that are only told `overloaded`; 1,000 connections a
 * source that have not shown good credentials yet; 10 s to the first byte.
 */
import { isInPrefixes, type Prefix, refuse } from "@karvon/domain";
import { type ProxyHeader, readProxyHeader, sniffProtocol } from "@karvon/wire";
import type { Socket } from "node:net";
import { plainAddress, sourceKey } from "../session/source-key.ts";
import type { TlsAcceptor } from "./accept-tls.ts";
import { ByteReader } from "./byte-reader.ts";
import { type ClientConnection, endGently, type GatewayContext, headTimeoutMs, newRequestId, noteRefusal } from "./client-connection.ts";
import { type ClientPortNumbers, openClientPorts, stickyPortOf } from "./open-client-ports.ts";
import { serveHttp } from "./serve-http.ts";
import { serveSocks5 } from "./serve-socks5.ts";
import { refuseInnerTls, serveTls } from "./serve-tls.ts";

export interface GatewayOptions extends ClientPortNumbers {
  readonly tls: TlsAcceptor;
  readonly context: GatewayContext;
  readonly trustedProxies: readonly Prefix[];
  readonly connectionsMax: number;
}

export interface Gateway {
  readonly port: number;
  readonly connectionsOpen: number;
  /** No new connections from now on. Open ones go on; those between two HTTP requests end. */
  stopAccepting(): void;
  /** Destroys what is still open and resolves when all is closed. */
  close(): Promise<void>;
}

const shedMax = 200;
const newcomersPerSourceMax = 1_000;
/** The longest PROXY v2 header that the reader takes. */
const proxyHeaderBytesMax = 1_024;
const trustAnswersMax = 10_000;

export async function listenGateway(options: GatewayOptions): Promise<Gateway> {
  const { context } = options;
  const sockets = new Set<Socket>();
  const newcomers = new Newcomers();
  const isTrusted = rememberTrust(options.trustedProxies);

  /** One function for all sockets: a held session pays for what it keeps. */
  function onClosed(this: Socket): void {
    sockets.delete(this);
  }

  function onConnection(socket: Socket): void {
    // 'close' follows every error and is what everybody listens to.
    socket.on("error", ignoreError);
    if (sockets.size >= options.connectionsMax + shedMax) {
      socket.destroy();
      return;
    }
    const isShed = sockets.size >= options.connectionsMax;
    sockets.add(socket);
    socket.on("close", onClosed);
    serve(socket, isShed).catch((cause: unknown) => {
      context.log.error({ event: "gateway.connection-failed", cause });
      socket.destroy();
    });
  }

  async function serve(socket: Socket, isShed: boolean): Promise<void> {
    const reader = new ByteReader(socket);
    const peer = plainAddress(socket.remoteAddress);
    const address = isTrusted(peer) ? await announcedAddress(reader, peer) : peer;
    if (address === null) {
      socket.destroy();
      return;
    }
    const key = sourceKey(address);
    const isCrowd = newcomers.count(key, 1) > newcomersPerSourceMax;
    const shedding =
      isShed || isCrowd
        ? refuse("overloaded", isShed ? "the gateway has no connection left" : "too many connections from this address wait")
        : null;
    let isNewcomer = true;
    function prove(): void {
      if (isNewcomer) newcomers.count(key, -1);
      isNewcomer = false;
    }
    try {
      const stickyPort = stickyPortOf(socket, options.stickyPorts);
      await serveProtocol(context, { socket, reader, address, stickyPort, shedding, prove }, options.tls);
    } finally {
      prove();
    }
  }

  const ports = await openClientPorts(options, {
    onConnection,
    onFault: (cause) => context.log.error({ event: "gateway.listener-failed", cause }),
  });

  return {
    port: ports.port,
    get connectionsOpen() {
      return sockets.size;
    },
    stopAccepting() {
      ports.stopAccepting();
      for (const connection of context.resting) connection.retire();
    },
    async close() {
      const isClosed = ports.closed();
      for (const socket of sockets) socket.destroy();
      await isClosed;
    },
  };
}

/** Connections by source that have not shown good credentials yet. */
class Newcomers {
  readonly #bySource = new Map<string, number>();

  count(key: string, change: 1 | -1): number {
    const count = (this.#bySource.get(key) ?? 0) + change;
    if (count > 0) this.#bySource.set(key, count);
    else this.#bySource.delete(key);
    return count;
  }
}

/** Whether an address may speak for others. Asked for every connection, so the last answers are kept. */
function rememberTrust(trusted: readonly Prefix[]): (address: string) => boolean {
  const known = new Map<string, boolean>();
  return (address) => {
    if (trusted.length === 0) return false;
    const answer = known.get(address) ?? isInPrefixes(address, trusted);
    if (known.size >= trustAnswersMax) known.clear();
    known.set(address, answer);
    return answer;
  };
}

/** The client's address as a PROXY header tells it, or the peer's own without one; null when there is nobody to serve. */
async function announcedAddress(reader: ByteReader, peer: string): Promise<string | null> {
  if ((await reader.firstByte(headTimeoutMs)) === null) return null;
  let isAbsent = false;
  const reading = await reader.read<ProxyHeader>(
    (input) => {
      const header = readProxyHeader(input);
      if (header.kind !== "absent") return header;
      isAbsent = true;
      return { kind: "message", message: { version: 1, source: null }, consumed: 0 };
    },
    proxyHeaderBytesMax,
    headTimeoutMs,
  );
  if (isAbsent) return peer;
  if (reading.kind !== "message") return null;
  return reading.message.source === null ? peer : plainAddress(reading.message.source.address);
}

/** `tls` is null inside TLS. */
async function serveProtocol(context: GatewayContext, connection: ClientConnection, tls: TlsAcceptor | null): Promise<void> {
  const first = await connection.reader.firstByte(headTimeoutMs);
  if (first === null) {
    // A port check or a client that changed its mind: nothing to answer.
    connection.reader.release();
    connection.socket.destroy();
    return;
  }
  switch (sniffProtocol(first)) {
    case "socks5":
      return serveSocks5(context, connection);
    case "http":
      return serveHttp(context, connection);
    case "socks4":
      return refuseSocks4(context, connection);
    case "tls":
      if (tls === null) return refuseInnerTls(context, connection);
      return serveTls(context, connection, tls, (inside) => serveProtocol(context, inside, null));
  }
}

/** A SOCKS4 "rejected" reply, and the reason for whoever looks at the bytes. */
function refuseSocks4(context: GatewayContext, connection: ClientConnection): void {
  noteRefusal(context, connection, {
    requestId: newRequestId(),
    protocol: "unknown",
    refusal: refuse("bad_request", "SOCKS4 has no password; use SOCKS5 or HTTP"),
  });
  const reply = Buffer.from([0x00, 0x5b, 0, 0, 0, 0, 0, 0]);
  endGently(connection, Buffer.concat([reply, Buffer.from("SOCKS4 has no password; use SOCKS5 or HTTP.\r\n")]));
}

function ignoreError(): void {
  // See onConnection.
}
