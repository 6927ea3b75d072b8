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
import { type ProxyHeader, proxyHeaderBytesMax, readProxyHeader } from "@karvon/wire";
import type { Socket } from "node:net";
import { plainAddress } from "../session/source-key.ts";
import type { TlsAcceptor } from "./accept-tls.ts";
import { ByteReader } from "./byte-reader.ts";
import { type GatewayContext, newRequestId, noteRefusal } from "./client-connection.ts";
import { ClientPlaces } from "./client-places.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import { HalfClosedClients } from "./half-closed-clients.ts";
import { type ClientPortNumbers, openClientPorts, stickyPortOf } from "./open-client-ports.ts";
import { renderHttpRefusal } from "./render-refusal.ts";
import { type Doors, serveClient } from "./serve-client.ts";
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
    const peer = plainAddress(socket.remoteAddress);
    if (place === "none") {
      turnAway(context, socket, { address: peer, refusal: noConnectionLeft });
      return;
    }
    const isServed = place === "served";
    const service = isTrusted(peer) ? serveAnnounced(socket, peer, isServed) : serve(socket, { address: peer, isServed });
    service.catch((cause: unknown) => {
      context.log.error({ event: "gateway.connection-failed", cause });
      socket.destroy();
    });
  }

  async function serveAnnounced(socket: Socket, peer: string, isServed: boolean): Promise<void> {
    const reader = new ByteReader(socket);
    const address = await announcedAddress(reader, peer, context.timeouts.headMs);
    if (address === null || !places.has(socket)) socket.destroy();
    else await serve(socket, { address, isServed, early: reader.release() });
  }

  async function serve(socket: Socket, { address, isServed, early }: Arrival): Promise<void> {
    const stickyPort = stickyPortOf(socket, options.stickyPorts);
    const visit = isServed ? places.enter(socket, address) : noConnectionLeft;
    if (visit.kind === "refused") {
      if (!places.mayTell(socket)) turnAway(context, socket, { address, refusal: visit });
      else await serveClient(context, { socket, address, stickyPort, shedding: visit, prove: nothingToProve }, doors, early);
      return;
    }
    const prove = (): void => visit.prove();
    try {
      await serveClient(context, { socket, address, stickyPort, shedding: null, prove }, doors, early);
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

interface Arrival {
  /** Of the program, not of a load balancer that stands in front. */
  readonly address: string;
  /** False when the connection is only told why not. */
  readonly isServed: boolean;
  /** What was read behind a PROXY header. */
  readonly early?: Buffer;
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

function ignoreError(): void {
  // See onConnection.
}

function nothingToProve(): void {
  // A connection that is only told why it is not served counts for nothing.
}
