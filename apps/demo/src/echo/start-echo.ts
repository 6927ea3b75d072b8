/**
 * The demo's echo target: says who asked, from where the network sees it, and moves bytes for measurements.
 *
 *   any path        JSON: exit address and place, the request as it arrived
 *   /bytes?n=1000   n bytes (at most 10 GB) that repeat a fixed block, with Content-Length
 *   POST /upload    takes any body and answers {bytes, sha256}
 *
 * It keeps nothing. Limits: 10 s for a request's head, 16 KB of it, 64 KB queued a connection.
 */
import { createHash } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { ExitPlace, Exits } from "./exits.ts";

const bytesMax = 10_000_000_000;
const block = makeBlock(65_536);

export interface EchoServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startEcho(options: { readonly port: number; readonly exits: Exits }): Promise<EchoServer> {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 0, keepAliveTimeout: 65_000, noDelay: true },
    (request, response) => {
      // A peer that goes away in the middle is everyday here and ends only its own exchange.
      request.on("error", () => response.destroy());
      response.on("error", () => response.destroy());
      answer(request, response, options.exits);
    },
  );
  server.on("clientError", (_cause, socket) => void socket.destroy());
  await listen(server, options.port);
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : options.port;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", 4_096, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function answer(request: IncomingMessage, response: ServerResponse, exits: Exits): void {
  const target = request.url ?? "/";
  // Anything may stand in a request line; what is no URL gets the description like every other path.
  const url = URL.canParse(target, "http://echo") ? new URL(target, "http://echo") : new URL("http://echo/");
  if (url.pathname === "/bytes") sendBytes(url, request, response);
  else if (url.pathname === "/upload" && request.method !== "GET") hashBody(request, (body) => sendJson(response, body));
  else hashBody(request, (body) => sendJson(response, describe(request, url, body.bytes, exits)));
}

function describe(request: IncomingMessage, url: URL, bytes: number, exits: Exits): object {
  const { remotePort, remoteAddress } = request.socket;
  return {
    ...describeExit(exits.find(remotePort ?? 0), remoteAddress ?? null),
    method: request.method,
    path: url.pathname,
    headersReceived: request.rawHeaders.length / 2,
    bytesReceived: bytes,
  };
}

/** `node` is null when the request did not come through a demo node. */
function describeExit(exit: ExitPlace | null, address: string | null): object {
  if (!exit) return { ip: address, country: null, city: null, asn: null, asnName: null, type: null, node: null };
  const { publicAddress, country, city, asn, asnName, type, node } = exit;
  return { ip: publicAddress, country, city, asn, asnName, type, node };
}

function sendJson(response: ServerResponse, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text), "cache-control": "no-store" });
  response.end(text);
}

/** Reads the whole body, keeping only its length and SHA-256. A body that is broken off gets no answer. */
function hashBody(request: IncomingMessage, onEnd: (body: { bytes: number; sha256: string }) => void): void {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  request.once("end", () => onEnd({ bytes, sha256: hash.digest("hex") }));
}

function sendBytes(url: URL, request: IncomingMessage, response: ServerResponse): void {
  const wanted = Number(url.searchParams.get("n") ?? "1000");
  if (!Number.isSafeInteger(wanted) || wanted < 0 || wanted > bytesMax) {
    response.writeHead(400, { "content-type": "text/plain" }).end(`n is a whole number from 0 to ${bytesMax}\n`);
    return;
  }
  request.resume();
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": wanted, "cache-control": "no-store" });
  if (request.method === "HEAD") return void response.end();
  let left = wanted;
  const push = (): void => {
    while (left > 0 && !response.destroyed) {
      const chunk = left >= block.length ? block : block.subarray(0, left);
      left -= chunk.length;
      if (!response.write(chunk)) return;
    }
    if (left === 0) {
      response.off("drain", push);
      response.end();
    }
  };
  response.on("drain", push);
  push();
}

/** Bytes that do not compress to nothing and are the same on every machine: a small generator with a fixed seed. */
function makeBlock(size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  let state = 0x2545_f491;
  for (let i = 0; i < size; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}
