/**
 * The ops port: health and metrics for everybody who can reach it, live traffic and availability for holders of the
 * service token.
 *
 * It carries no client traffic and is never reached through the proxy (loopback is a private address). A slow reader of
 * the radar misses ticks, it does not slow the gateway: a tick is dropped for a subscriber that has not read the last ones.
 *
 * Limits: 32 radar subscribers, 256 KiB waiting per subscriber, 8 KiB request heads, 64 connections.
 */
import type { Logger } from "@karvon/telemetry";
import { timingSafeEqual, createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { RadarTick } from "../radar/ticker.ts";
import { type Metric, metricsContentType, renderMetrics } from "./metrics.ts";

export interface Availability {
  readonly countries: readonly {
    readonly country: string;
    readonly nodes: number;
    readonly byType: { readonly mobile: number; readonly wifi: number; readonly residential: number };
  }[];
  readonly total: number;
}

export interface OpsServer {
  readonly port: number;
  publish(tick: RadarTick): void;
  close(): Promise<void>;
}

export interface OpsOptions {
  readonly port: number;
  readonly serviceToken: string;
  readonly log: Logger;
  /** Reasons why the gateway should get no traffic now; empty when it is ready. */
  readonly findTroubles: () => Promise<readonly string[]>;
  readonly listMetrics: () => readonly Metric[];
  readonly readAvailability: () => Availability;
}

const subscribersMax = 32;
const waitingBytesMax = 262_144;

export async function listenOps(options: OpsOptions): Promise<OpsServer> {
  const subscribers = new Set<ServerResponse>();
  const expected = digest(options.serviceToken);

  function isAllowed(request: IncomingMessage): boolean {
    const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  }

  function subscribe(response: ServerResponse): void {
    if (subscribers.size >= subscribersMax) return sendJson(response, 503, { error: "too many subscribers" });
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
    response.write(": karvon radar\n\n");
    subscribers.add(response);
    response.once("close", () => subscribers.delete(response));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") return sendJson(response, 405, { error: "only GET" });
    const path = (request.url ?? "").split("?")[0];
    switch (path) {
      case "/healthz":
        return sendJson(response, 200, { status: "ok" });
      case "/readyz": {
        const troubles = await options.findTroubles();
        return sendJson(response, troubles.length === 0 ? 200 : 503, { status: troubles.length === 0 ? "ready" : "not ready", troubles });
      }
      case "/metrics":
        return send(response, 200, metricsContentType, renderMetrics(options.listMetrics()));
      case "/radar":
      case "/availability":
        if (!isAllowed(request)) return sendJson(response, 401, { error: "a service token is needed" });
        return path === "/radar" ? subscribe(response) : sendJson(response, 200, options.readAvailability());
      default:
        return sendJson(response, 404, { error: "not found" });
    }
  }

  const server = createServer(
    { maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      response.on("error", ignoreError);
      answer(request, response).catch((cause: unknown) => {
        options.log.error({ event: "ops.failed", cause });
        response.destroy();
      });
    },
  );
  server.maxConnections = 64;
  server.on("error", (cause) => options.log.error({ event: "ops.listener-failed", cause }));
  server.on("clientError", (_cause, socket) => socket.destroy());

  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port }, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : options.port);
    });
  });

  return {
    port,
    publish(tick) {
      if (subscribers.size === 0) return;
      const event = `event: tick\ndata: ${JSON.stringify(tick)}\n\n`;
      for (const response of subscribers) {
        if (response.writableLength < waitingBytesMax) response.write(event);
      }
    },
    async close() {
      for (const response of subscribers) response.end();
      const isClosed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await isClosed;
    },
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, "application/json", `${JSON.stringify(body)}\n`);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function ignoreError(): void {
  // 'close' follows.
}
