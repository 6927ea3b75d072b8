/** A target that says endlessly what nobody needs, and counts what went over each connection, under the name that it sent first. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

export interface CountingTarget {
  readonly port: number;
  readonly openCount: number;
  receivedBytes(name: string): number;
  /** What was written to the connection, whether it has left or not. */
  sentBytes(name: string): number;
  /** Counts anew. */
  forget(): void;
  close(): void;
}

const chunk = Buffer.alloc(65_536, "karvon ");
/** A client's name is the first thing that it sends. */
export const nameBytes = 8;

interface Line {
  readonly socket: Socket;
  name: string;
  receivedBytes: number;
}

export async function startCountingTarget(): Promise<CountingTarget> {
  const lines = new Set<Line>();
  const open = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const line: Line = { socket, name: "", receivedBytes: 0 };
    lines.add(line);
    open.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => open.delete(socket));
    socket.on("data", (data: Buffer) => {
      if (line.name.length < nameBytes) line.name += data.subarray(0, nameBytes - line.name.length).toString("latin1");
      line.receivedBytes += data.length;
    });
    pour(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const sumOf = (name: string, count: (line: Line) => number): number =>
    [...lines].reduce((sum, line) => sum + (line.name.trimEnd() === name ? count(line) : 0), 0);
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get openCount() {
      return open.size;
    },
    receivedBytes: (name) => sumOf(name, (line) => line.receivedBytes),
    sentBytes: (name) => sumOf(name, ({ socket }) => socket.bytesWritten),
    forget: () => lines.clear(),
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Writes as fast as the other side reads, until the socket ends. */
export function pour(socket: Socket): void {
  const more = (): void => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}
