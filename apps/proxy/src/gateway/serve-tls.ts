/** The TLS half of the proxy port: a handshake, then the same protocols inside. */
import { refuse } from "@karvon/domain";
import type { TlsAcceptor } from "./accept-tls.ts";
import { type ClientConnection, endGently, type GatewayContext, newRequestId, noteRefusal } from "./client-connection.ts";

export interface TlsService {
  readonly acceptor: TlsAcceptor;
  /** What was read of the handshake already. */
  readonly hello: Buffer;
  readonly serveInside: (inside: ClientConnection) => Promise<void>;
}

export async function serveTls(
  context: GatewayContext,
  connection: ClientConnection,
  { acceptor, hello, serveInside }: TlsService,
): Promise<void> {
  const { shedding } = connection;
  // A handshake costs more than all else that a connection without credentials may ask for.
  const refusal = shedding ?? (acceptor.hasRoom ? null : refuse("overloaded", "too many TLS handshakes are under way"));
  if (refusal !== null) {
    noteRefusal(context, connection, { requestId: newRequestId(), protocol: "unknown", refusal });
    endGently(connection.socket, writeFatalAlert(alerts.internalError));
    return;
  }
  const socket = await acceptor.accept(connection.socket, hello);
  if (socket !== null) await serveInside({ ...connection, socket });
}

/** TLS inside TLS is nobody's wish: the program says "TLS refused" instead of hanging. */
export function refuseInnerTls(context: GatewayContext, connection: ClientConnection): void {
  noteRefusal(context, connection, {
    requestId: newRequestId(),
    protocol: "unknown",
    refusal: refuse("bad_request", "inside TLS to the proxy port only HTTP and SOCKS5 are spoken, not TLS again"),
  });
  endGently(connection.socket, writeFatalAlert(alerts.handshakeFailure));
}

/** RFC 8446, section 6.2. */
const alerts = { handshakeFailure: 0x28, internalError: 0x50 } as const;

function writeFatalAlert(description: number): Buffer {
  return Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description]);
}
