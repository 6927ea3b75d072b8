/**
 * A counting tap: a TCP listener in front of a server that counts what passes, byte by byte.
 *
 * It is the journey's own meter, independent of Karvon's: what the tap saw, the session row must say.
 * At most 1,000 connections are remembered.
 */
import net from "node:net";
import type { AddressInfo } from "node:net";

const connectionsMax = 1000;

export interface TappedConnection {
  readonly port: number;
  /** Client to server. */
  upBytes: number;
  /** Server to client. */
  downBytes: number;
  isOpen: boolean;
}

export interface Tap {
  readonly port: number;
  readonly connections: readonly TappedConnection[];
  close(): Promise<void>;
}

export function startTap(serverPort: number): Promise<Tap> {
  const connections: TappedConnection[] = [];
  const open = new Set<net.Socket>();
  const listener = net.createServer({ allowHalfOpen: true }, (socket) => {
    const seen: TappedConnection = { port: serverPort, upBytes: 0, downBytes: 0, isOpen: true };
    connections.push(seen);
    if (connections.length > connectionsMax) connections.shift();
    const server = net.connect({ port: serverPort, host: "127.0.0.1", allowHalfOpen: true });
    for (const end of [socket, server]) {
      open.add(end);
      end.on("error", () => {
        socket.destroy();
        server.destroy();
      });
      end.on("close", () => {
        open.delete(end);
        seen.isOpen = false;
      });
    }
    socket.on("data", (chunk) => void (seen.upBytes += chunk.length));
    server.on("data", (chunk) => void (seen.downBytes += chunk.length));
    socket.pipe(server);
    server.pipe(socket);
  });
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      resolve({
        port: (listener.address() as AddressInfo).port,
        connections,
        close: () =>
          new Promise((done) => {
            listener.close(() => done());
            for (const socket of open) socket.destroy();
          }),
      });
    });
  });
}
