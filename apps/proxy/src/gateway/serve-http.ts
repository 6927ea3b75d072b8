/**
 * Serves HTTP/1.x on an accepted connection, of which `first` was read already. Resolves when it has ended or became a
 * tunnel, rejects on a fault of ours.
 */
import type { ClientConnection, GatewayContext } from "./client-connection.ts";
import { HttpConnection } from "./http-connection.ts";

export function serveHttp(context: GatewayContext, connection: ClientConnection, first: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    new HttpConnection(context, connection, { resolve, reject }).start(first);
  });
}
