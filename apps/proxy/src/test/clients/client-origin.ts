/**
 * A site for real clients: the same pages over HTTP and HTTPS, WebSockets on both, and a line that speaks first.
 *
 * `/file` (1.3 MB, ranges), `/big` (5 MB, whole only for those who take three ranges of it at once), `/chunked`, `/hash` (answers the SHA-256 of what was sent), `/page`.
 * Nodes find it by `place`: any name under `.example` leads here, by its port.
 */
import type { Target } from "@karvon/tunnel";
import { createHash, randomBytes } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { testCertPem, testKeyPem } from "../certificate.ts";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly httpVersion: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
}

export interface ClientOrigin {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly file: Buffer;
  readonly fileSha256: string;
  readonly big: Buffer;
  readonly bigSha256: string;
  readonly seen: readonly SeenRequest[];
  /** Where a node has to connect to reach `target`; null for what is not ours. */
  place(target: Target): Target | null;
  close(): Promise<void>;
}

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export async function startClientOrigin(): Promise<ClientOrigin> {
  const file = randomBytes(1_300_000);
  const big = randomBytes(5_000_000);
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const serve = makeListener({ file, big, seen });
  const http = createHttpServer(serve);
  const https = createHttpsServer({ key: testKeyPem, cert: testCertPem }, serve);
  const greeter = createTcpServer({ allowHalfOpen: true }, greet);
  const webSockets = [new WebSocketServer({ server: http }), new WebSocketServer({ server: https })];
  for (const server of webSockets) server.on("connection", echo);
  for (const server of [http, https, greeter]) {
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => sockets.delete(socket));
    });
  }
  const [httpPort = 0, httpsPort = 0, greeterPort = 0] = await Promise.all([http, https, greeter].map(listen));
  const ports = new Map([
    [80, httpPort],
    [443, httpsPort],
    [8080, greeterPort],
  ]);
  return {
    httpPort,
    httpsPort,
    file,
    fileSha256: sha256(file),
    big,
    bigSha256: sha256(big),
    seen,
    place(target) {
      if (target.host === "127.0.0.1") return target;
      const port = ports.get(target.port);
      return target.host.endsWith(".example") && port !== undefined ? { host: "127.0.0.1", port } : null;
    },
    async close() {
      for (const server of webSockets) server.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all([http, https, greeter].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the origin has no port");
  return address.port;
}

/** Speaks first, and answers only when the other side has half-closed. */
function greet(socket: Socket): void {
  const got: Buffer[] = [];
  socket.write("banner;");
  socket.on("data", (chunk: Buffer) => got.push(chunk));
  socket.on("end", () => socket.end(`got ${Buffer.concat(got).toString()}`));
}

function echo(socket: WebSocket): void {
  socket.on("error", () => undefined);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

function makeListener(site: { file: Buffer; big: Buffer; seen: SeenRequest[] }): RequestListener {
  return (request, response) => {
    site.seen.push({
      method: request.method ?? "",
      url: request.url ?? "",
      host: request.headers.host ?? "",
      httpVersion: request.httpVersion,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
    });
    request.on("error", () => undefined);
    switch ((request.url ?? "/").split("?")[0]) {
      case "/file":
        return sendFile(request, response, site.file);
      case "/big":
        return request.headers.range === undefined ? sendSlowly(response, site) : sendFile(request, response, site.big);
      case "/chunked":
        response.write(site.file.subarray(0, 700_000));
        return response.end(site.file.subarray(700_000));
      case "/hash":
        return sendHash(request, response);
      default:
        response.setHeader("content-type", "text/html");
        return response.end(`<!doctype html><title>${request.headers.host ?? ""}</title><p>A page.</p>`);
    }
  };
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: Buffer): void {
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("accept-ranges", "bytes");
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const from = Number(range?.[1] ?? 0);
  const to = range?.[2] === undefined || range[2] === "" ? file.length - 1 : Number(range[2]);
  if (range !== null) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${from}-${to}/${file.length}`);
  }
  response.setHeader("content-length", to - from + 1);
  response.end(request.method === "HEAD" ? undefined : file.subarray(from, to + 1));
}

/** The beginning, and the rest when somebody has asked for three other parts meanwhile. */
function sendSlowly(response: ServerResponse, { big, seen }: { big: Buffer; seen: readonly SeenRequest[] }): void {
  const before = seen.length;
  response.writeHead(200, { "accept-ranges": "bytes", "content-length": big.length });
  response.write(big.subarray(0, 65_536));
  const timer = setInterval(() => {
    if (seen.slice(before).filter(({ headers }) => headers.range !== undefined).length < 3) return;
    clearInterval(timer);
    response.end(big.subarray(65_536));
  }, 10);
  response.once("close", () => clearInterval(timer));
}

function sendHash(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
  });
}
