/** A target that answers exactly what a test wants, and what came to it. */
import { createServer, type Socket } from "node:net";

export interface RawTargetConnection {
  readonly socket: Socket;
  /** Everything that came on this connection, latin1. */
  received: string;
  isClosed: boolean;
}

export interface RawOrigin {
  readonly port: number;
  readonly connections: readonly RawTargetConnection[];
  close(): Promise<void>;
}

/** `onData` is called with each connection whenever more has come; `onConnection` before anything has. */
export async function startRawOrigin(
  onData: (connection: RawTargetConnection, text: string) => void,
  onConnection: (connection: RawTargetConnection) => void = () => undefined,
): Promise<RawOrigin> {
  const connections: RawTargetConnection[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection: RawTargetConnection = { socket, received: "", isClosed: false };
    connections.push(connection);
    socket.on("error", () => undefined);
    socket.on("close", () => (connection.isClosed = true));
    socket.on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      connection.received += text;
      onData(connection, text);
    });
    onConnection(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the origin has no port");
  return {
    port: address.port,
    connections,
    async close() {
      for (const { socket } of connections) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
