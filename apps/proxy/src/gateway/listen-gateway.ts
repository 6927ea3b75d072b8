/**
 * The client ports: accept connections, learn the client's real address, and serve what the first byte says.
 *
 * A PROXY protocol header is read from trusted addresses only, and is optional there; from anybody else it is a
 * malformed request. Whatever a client sends, the worst that happens is the end of its own connection.
 *
 * Limits: the descriptor budget (12,000 connections at most), some more that are told `overloaded` in their protocol, and
 * beyond that an HTTP answer and an end at once; per source those of source-limits.ts; 10 s to the first byte.
 */
import { isInPrefixes, type Prefix, type Refusal, refuse } from "@karvon/domain";
import { type ProxyHeader, proxyHeaderBytesMax, readProxyHeader, sniffProtocol } from "@karvon/wire";
import type { Socket } from "node:net";
import { plainAddress } from "../session/source-key.ts";
import type { TlsAcceptor } from "./accept-tls.ts";
import { ByteReader } from "./byte-reader.ts";
import { type ClientConnection, endGently, type GatewayContext, newRequestId, noteRefusal } from "./client-connection.ts";
import { ClientPlaces } from "./client-places.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import { HalfClosedClients } from "./half-closed-clients.ts";
import { type ClientPortNumbers, openClientPorts, stickyPortOf } from "./open-client-ports.ts";
import { renderHttpRefusal } from "./render-refusal.ts";
import { serveHttp } from "./serve-http.ts";
import { serveSocks5 } from "./serve-socks5.ts";
import { refuseInnerTls, serveTls } from "./serve-tls.ts";
import type { SourceLimits } from "./source-limits.ts";

export interface GatewayOptions extends ClientPortNumbers {
  readonly tls: TlsAcceptor;
  readonly context: GatewayContext;
  readonly trustedProxies: readonly Prefix[];
  readonly descriptors: DescriptorBudget;
  readonly sources: SourceLimits;
}

export interface Gateway {
  readonly port: number;
  readonly connectionsOpen: number;
  /** No new connections from now on. Open ones go on; those between two HTTP requests end. */
  stopAccepting(): void;
  /** Ends the connections that are between two requests. */
  endResting(): void;
  /** Destroys what is still open and resolves when all is closed. */
  close(): Promise<void>;
}

const trustAnswersMax = 10_000;

export async function listenGateway(options: GatewayOptions): Promise<Gateway> {
  const { context } = options;
  const places = new ClientPlaces(options.descriptors, options.sources);
  const isTrusted = rememberTrust(options.trustedProxies);
  const halfClosed = new HalfClosedClients();
  const doors: Doors = { tls: options.tls, halfClosed };

  function onConnection(socket: Socket): void {
    // 'close' follows every error and is what everybody listens to.
    socket.on("error", ignoreError);
    const place = places.take(socket);
    if (place === "none") {
      turnAway(context, socket, { address: plainAddress(socket.remoteAddress), refusal: noConnectionLeft });
      return;
    }
    serve(socket, place === "served").catch((cause: unknown) => {
      context.log.error({ event: "gateway.connection-failed", cause });
      socket.destroy();
    });
  }

  async function serve(socket: Socket, isServed: boolean): Promise<void> {
    const reader = new ByteReader(socket);
    const peer = plainAddress(socket.remoteAddress);
    const address = isTrusted(peer) ? await announcedAddress(reader, peer, context.timeouts.headMs) : peer;
    if (address === null || !places.has(socket)) {
      socket.destroy();
      return;
    }
    const stickyPort = stickyPortOf(socket, options.stickyPorts);
    const visit = isServed ? places.enter(socket, address) : noConnectionLeft;
    if (visit.kind === "refused") {
      if (!places.mayTell(socket)) turnAway(context, socket, { address, refusal: visit });
      else await serveProtocol(context, { socket, reader, address, stickyPort, shedding: visit, prove: nothingToProve }, doors);
      return;
    }
    const prove = (): void => visit.prove();
    try {
      await serveProtocol(context, { socket, reader, address, stickyPort, shedding: null, prove }, doors);
    } finally {
      visit.settle();
    }
  }

  const ports = await openClientPorts(options, {
    onConnection,
    onFault: (cause) => context.log.error({ event: "gateway.listener-failed", cause }),
  });

  return {
    port: ports.port,
    get connectionsOpen() {
      return places.size;
    },
    stopAccepting() {
      ports.stopAccepting();
    },
    endResting() {
      for (const connection of context.resting) connection.retire();
    },
    async close() {
      const isClosed = ports.closed();
      for (const socket of places.sockets()) socket.destroy();
      await isClosed;
      halfClosed.stop();
    },
  };
}

interface Doors {
  /** Null inside TLS. */
  readonly tls: TlsAcceptor | null;
  readonly halfClosed: HalfClosedClients;
}

const noConnectionLeft = refuse("overloaded", "the gateway has no connection left");

/**
 * The shortest way to say no, when there is not even a descriptor to wait with: nothing is read, an HTTP answer is handed
 * to the kernel and the connection closed in the same turn. A client of another protocol sees an end.
 */
function turnAway(context: GatewayContext, socket: Socket, { address, refusal }: { address: string; refusal: Refusal }): void {
  const refused = { requestId: newRequestId(), protocol: "unknown" as const, refusal };
  noteRefusal(context, { address }, refused);
  socket.write(renderHttpRefusal(refused));
  socket.destroy();
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
async function announcedAddress(reader: ByteReader, peer: string, headMs: number): Promise<string | null> {
  if ((await reader.firstByte(headMs)) === null) return null;
  let isAbsent = false;
  const reading = await reader.read<ProxyHeader>(
    (input) => {
      const header = readProxyHeader(input);
      if (header.kind !== "absent") return header;
      isAbsent = true;
      return { kind: "message", message: { version: 1, source: null }, consumed: 0 };
    },
    proxyHeaderBytesMax,
    headMs,
  );
  if (isAbsent) return peer;
  if (reading.kind !== "message") return null;
  return reading.message.source === null ? peer : plainAddress(reading.message.source.address);
}

async function serveProtocol(context: GatewayContext, connection: ClientConnection, { tls, halfClosed }: Doors): Promise<void> {
  const { socket } = connection;
  if (tls !== null) halfClosed.follow(socket);
  const first = await connection.reader.firstByte(context.timeouts.headMs);
  if (first === null) {
    // A port check or a client that changed its mind: nothing to answer.
    connection.reader.release();
    socket.destroy();
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
      return serveTls(context, connection, tls, (inside) => {
        halfClosed.followTls(inside.socket, socket);
        return serveProtocol(context, inside, { tls: null, halfClosed });
      });
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

function nothingToProve(): void {
  // A connection that is only told why it is not served counts for nothing.
}
