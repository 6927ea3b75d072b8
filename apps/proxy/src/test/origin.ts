/** The HTTP server that a test's requests reach, and what it saw of them. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export const tenMegabytes = Buffer.alloc(10_000_000, "karvon ");

export interface Origin {
  readonly port: number;
  /** Bytes on the wire since the start: what nodes sent and got. */
  readonly received: number;
  readonly sent: number;
  readonly requests: readonly {
    method: string;
    url: string;
    headers: NodeJS.Dict<string | string[]>;
    bodyBytes: number;
    bodySha256: string;
  }[];
  close(): Promise<void>;
}

/** An HTTP origin: `/10mb`, `/echo` answers the body's hash, `/slow` never answers, `/cut` breaks off, `/close` has no length. */
export async function startOrigin(): Promise<Origin> {
  const sockets = new Set<Socket>();
  const totals = { received: 0, sent: 0 };
  const requests: { method: string; url: string; headers: NodeJS.Dict<string | string[]>; bodyBytes: number; bodySha256: string }[] = [];
  const server = createServer((request, response) => {
    answer(request, response, (body) =>
      requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, ...body }),
    );
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      totals.received += socket.bytesRead;
      totals.sent += socket.bytesWritten;
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the origin has no port");
  return {
    port: address.port,
    get received() {
      return totals.received + [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);
    },
    get sent() {
      return totals.sent + [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0);
    },
    requests,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, note: (body: { bodyBytes: number; bodySha256: string }) => void): void {
  const hash = createHash("sha256");
  let bodyBytes = 0;
  request.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    bodyBytes += chunk.length;
  });
  request.on("error", () => undefined);
  request.on("end", () => {
    const bodySha256 = hash.digest("hex");
    note({ bodyBytes, bodySha256 });
    const path = (request.url ?? "/").split("?")[0];
    switch (path) {
      case "/10mb":
        response.setHeader("content-length", tenMegabytes.length);
        return response.end(tenMegabytes);
      case "/chunked":
        response.write("one ");
        return response.end("two");
      case "/slow":
        return undefined;
      case "/cut":
        response.writeHead(200, { "content-length": "1000" });
        response.write("x".repeat(10));
        return setTimeout(() => request.socket.destroy(), 20);
      case "/vanish":
        return request.socket.destroy();
      case "/nothing":
        response.statusCode = 204;
        return response.end();
      default:
        response.setHeader("content-type", "application/json");
        return response.end(JSON.stringify({ path, bodyBytes, bodySha256 }));
    }
  });
}
