/**
 * The target of the journey: a real HTTP and a real HTTPS server on loopback.
 *
 * Each stands behind a counting tap, whose counts `GET /taps` on the control port tells as JSON.
 * `GET /down?bytes=N` answers N random bytes with their SHA-256 in `x-sha256`; `PUT /up` answers the SHA-256 and the
 * count of what arrived. Both end with the test run. Bodies are at most 64 MB.
 */
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { startTap } from "./tap.ts";

const bodyBytesMax = 64_000_000;

export interface Origin {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly controlPort: number;
  close(): Promise<void>;
}

export async function startOrigin(): Promise<Origin> {
  const identity = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", curve: "P-256" });
  const plain = http.createServer(answer);
  const secure = https.createServer({ key: identity.private, cert: identity.cert }, answer);
  const taps = await Promise.all([startTap(await listen(plain)), startTap(await listen(secure))]);
  const control = http.createServer((_request, response) => {
    response.end(JSON.stringify(taps.map((tap) => tap.connections)));
  });
  const controlPort = await listen(control);
  return {
    httpPort: taps[0].port,
    httpsPort: taps[1].port,
    controlPort,
    async close() {
      await Promise.all(taps.map((tap) => tap.close()));
      await Promise.all([plain, secure, control].map(closeServer));
    },
  };
}

function closeServer(server: http.Server | https.Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}

function listen(server: http.Server | https.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://origin.invalid");
  if (request.method === "GET" && url.pathname === "/down") {
    const body = randomBytes(Math.min(Number(url.searchParams.get("bytes") ?? 1000), bodyBytesMax));
    response.writeHead(200, { "content-length": body.length, "x-sha256": createHash("sha256").update(body).digest("hex") });
    response.end(body);
    return;
  }
  if (request.method === "PUT" && url.pathname === "/up") {
    const hash = createHash("sha256");
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes > bodyBytesMax) request.destroy();
    });
    request.on("end", () => response.end(JSON.stringify({ sha256: hash.digest("hex"), bytes })));
    return;
  }
  response.writeHead(404).end();
}
