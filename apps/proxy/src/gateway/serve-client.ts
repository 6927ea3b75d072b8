/** Serves a client's connection by what its first byte says; inside TLS once more. */
import { refuse } from "@karvon/domain";
import { sniffProtocol } from "@karvon/wire";
import type { TlsAcceptor } from "./accept-tls.ts";
import { ByteReader } from "./byte-reader.ts";
import { type ClientConnection, endGently, type GatewayContext, newRequestId, noteRefusal } from "./client-connection.ts";
import type { HalfClosedClients } from "./half-closed-clients.ts";
import { readFirst } from "./read-first.ts";
import { serveHttp } from "./serve-http.ts";
import { serveSocks5 } from "./serve-socks5.ts";
import { refuseInnerTls, serveTls } from "./serve-tls.ts";

/** What a connection may lead to. */
export interface Doors {
  /** Null inside TLS. */
  readonly tls: TlsAcceptor | null;
  readonly halfClosed: HalfClosedClients;
}

const nothing = Buffer.alloc(0);

/** `early` was read already. Resolves when it has ended or became a tunnel. */
export function serveClient(context: GatewayContext, connection: ClientConnection, doors: Doors, early: Buffer = nothing): Promise<void> {
  if (doors.tls !== null) doors.halfClosed.follow(connection.socket);
  if (early.length > 0) return serveProtocol(context, connection, doors, early);
  return new Promise((resolve) => {
    readFirst(connection.socket, context.timeouts.headMs, (first) => {
      if (first !== null) {
        resolve(serveProtocol(context, connection, doors, first));
        return;
      }
      // A port check or a client that changed its mind: nothing to answer.
      connection.socket.destroy();
      resolve();
    });
  });
}

/** Whoever serves listens to the socket, or has paused it, before this returns. */
async function serveProtocol(
  context: GatewayContext,
  connection: ClientConnection,
  { tls, halfClosed }: Doors,
  first: Buffer,
): Promise<void> {
  switch (sniffProtocol(first.readUInt8(0))) {
    case "socks5":
      return serveSocks5(context, { ...connection, reader: readAgain(connection, first) });
    case "http":
      return serveHttp(context, connection, first);
    case "socks4":
      return refuseSocks4(context, connection);
    case "tls":
      if (tls === null) return refuseInnerTls(context, connection);
      return serveTls(context, connection, {
        acceptor: tls,
        hello: first,
        serveInside(inside) {
          halfClosed.followTls(inside.socket, connection.socket);
          return serveClient(context, inside, { tls: null, halfClosed });
        },
      });
  }
}

function readAgain({ socket }: ClientConnection, first: Buffer): ByteReader {
  const reader = new ByteReader(socket);
  reader.unread(first);
  return reader;
}

/** A SOCKS4 "rejected" reply, and the reason for whoever looks at the bytes. */
function refuseSocks4(context: GatewayContext, connection: ClientConnection): void {
  noteRefusal(context, connection, {
    requestId: newRequestId(),
    protocol: "unknown",
    refusal: refuse("bad_request", "SOCKS4 has no password; use SOCKS5 or HTTP"),
  });
  const reply = Buffer.from([0x00, 0x5b, 0, 0, 0, 0, 0, 0]);
  endGently(connection.socket, Buffer.concat([reply, Buffer.from("SOCKS4 has no password; use SOCKS5 or HTTP.\r\n")]));
}
