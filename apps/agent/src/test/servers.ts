/** Servers for tests: one that echoes, one that only counts who comes. */
import { type Server, type Socket, createServer } from "node:net";

export interface TestServer {
  readonly port: number;
  readonly hits: () => number;
  close(): Promise<void>;
}

export async function startServer(onSocket: (socket: Socket) => void): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let hits = 0;
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    hits += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    hits: () => hits,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends everything back, and ends when the other side has. */
export function startEcho(): Promise<TestServer> {
  return startServer((socket) => void socket.pipe(socket));
}
