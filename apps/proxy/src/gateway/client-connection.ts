/** One connection of a client program, and how it is ended so that the last answer arrives. */
import { newId, type Refusal } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import { resetSocket } from "@karvon/tunnel";
import type { Socket } from "node:net";
import type { LiveSession, SessionLog } from "../radar/session-log.ts";
import type { UserAccount } from "../session/accounts.ts";
import type { AccessRefusal, Authoriser, Principal } from "../session/authorise.ts";
import type { SessionOpener } from "../session/open-session.ts";
import type { RefusalLog, SpokenProtocol } from "../session/refusal-log.ts";
import type { ByteReader } from "./byte-reader.ts";
import { renderHttpRefusal } from "./render-refusal.ts";
import type { Tarpit } from "./tarpit.ts";
import { defaultTimeouts, type GatewayTimeouts } from "./timeouts.ts";

export interface GatewayContext {
  readonly authoriser: Authoriser;
  readonly opener: SessionOpener;
  readonly refusals: RefusalLog;
  readonly sessions: SessionLog;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly isDraining: () => boolean;
  /** False while this process leaves: a connection ends with its next answer. */
  readonly mayKeepAlive: () => boolean;
  readonly timeouts: GatewayTimeouts;
  readonly tarpit: Tarpit;
  /** Connections between two requests. */
  readonly resting: Set<Retirable>;
}

/** What may be told that no new requests are taken. */
export interface Retirable {
  retire(): void;
}

export interface ClientConnection {
  readonly socket: Socket;
  /** Of the program, not of a load balancer that stands in front. */
  readonly address: string;
  /** The port on which the program connected, when that port stands for a session. */
  readonly stickyPort: number | null;
  /** Set when the gateway is too full to serve the connection: it is only told so. */
  readonly shedding: Refusal | null;
  /** Good credentials were shown: the connection no longer counts as a newcomer. */
  readonly prove: () => void;
}

/** One whose protocol is read message by message. */
export interface ReadConnection extends ClientConnection {
  readonly reader: ByteReader;
}

const { flushMs, lingerMs } = defaultTimeouts;

export interface RefusedOn {
  readonly requestId: string;
  readonly protocol: SpokenProtocol;
  readonly refusal: Refusal;
  readonly account?: UserAccount | null;
  readonly host?: string;
  readonly port?: number;
  readonly isHead?: boolean;
  readonly isBilled?: boolean;
}

export function newRequestId(): string {
  return newId("ses");
}

/** Counts, logs and queues a refusal for the panels. The caller answers it in its protocol. */
export function noteRefusal(context: GatewayContext, connection: Pick<ClientConnection, "address">, refused: RefusedOn): void {
  context.refusals.add({
    requestId: refused.requestId,
    refusal: refused.refusal,
    protocol: refused.protocol,
    clientId: refused.account?.client.clientId ?? null,
    proxyUserId: refused.account?.proxyUserId ?? null,
    targetHost: refused.host ?? null,
    targetPort: refused.port ?? null,
    clientAddress: connection.address,
  });
}

/** Lets whoever guesses passwords wait for the answer. Where there is no room to wait the connection is closed instead. */
export async function delayGuess(tarpit: Tarpit, socket: Socket, access: Principal | AccessRefusal): Promise<void> {
  if (access.kind === "refused" && access.isGuessing === true && !(await tarpit.hold(socket))) socket.destroy();
}

/** Answers in HTTP and ends the connection. */
export function refuseHttp(context: GatewayContext, connection: ClientConnection, refused: RefusedOn): void {
  noteRefusal(context, connection, refused);
  endGently(connection.socket, renderHttpRefusal(refused));
}

/**
 * Sends the last bytes and ends. A slow client gets a minute to take what is still under way. What it sends meanwhile and
 * for two seconds more is read and thrown away, because closing with unread bytes makes the kernel send a reset that
 * would destroy the answer on its way. Nobody else may read the socket any more.
 */
export function endGently(socket: Socket, lastBytes: Buffer | string): void {
  if (socket.destroyed) return;
  const destroy = (): void => void socket.destroy();
  let timer = setTimeout(destroy, flushMs);
  socket.once("close", () => clearTimeout(timer));
  socket.once("finish", () => {
    clearTimeout(timer);
    timer = setTimeout(destroy, lingerMs);
  });
  socket.end(lastBytes);
  socket.on("data", discard);
  socket.resume();
}

/** Ends a connection so that nobody takes it for the end of the data: with a TCP reset, inside TLS too (accept-tls.ts). */
export function breakOff(socket: Socket): void {
  resetSocket(socket);
}

function discard(): void {
  // Thrown away on purpose, see endGently.
}

/** A failure after the stream was open: if the ledger has not heard of the session it is taken back. Answers whether it is charged. */
export function takeBack(context: GatewayContext, live: LiveSession): boolean {
  return !context.sessions.waive(live);
}
