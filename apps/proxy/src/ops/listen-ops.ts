/**
 * The ops port: health and metrics for everybody who can reach it, live traffic and availability for holders of the
 * service token.
 *
 * It carries no client traffic and is never reached through the proxy (loopback is a private address). A slow reader of
 * the radar misses ticks, it does not slow the gateway: a tick is dropped for a subscriber that has not read the last ones.
 *
 * Limits: 32 radar subscribers, 256 KiB waiting per subscriber, 8 KiB request heads, 64 connections, 5 s for a head and 10 s
 * for a request; a connection on which nothing moves for 30 s is closed, and so is one whose reader takes nothing.
 */
import type { Logger } from "@karvon/telemetry";
import { timingSafeEqual, createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { RadarTick } from "../radar/ticker.ts";
import type { Availability, CountryPlaces } from "./read-availability.ts";
import { type Metric, metricsContentType, renderMetrics } from "./metrics.ts";

export interface OpsServer {
  readonly port: number;
  /** Only this process's own port answers from now on. */
  leavePublicPort(): void;
  publish(tick: RadarTick): void;
  close(): Promise<void>;
}

export interface OpsOptions {
  /** The address to listen on. */
  readonly host: string;
  /** Of this process alone. */
  readonly port: number;
  /** A second port, which a successor takes over without a gap; null without one. */
  readonly publicPort: number | null;
  readonly serviceToken: string;
  /** How long nothing may move on a connection; 30,000 when left out. */
  readonly idleMs?: number;
  readonly log: Logger;
  /** Reasons why the gateway should get no traffic now; empty when it is ready. */
  readonly findTroubles: () => Promise<readonly string[]>;
  readonly listMetrics: () => readonly Metric[];
  readonly readAvailability: () => Availability;
  /** `country` is two capital letters. */
  readonly readCountryPlaces: (country: string) => CountryPlaces;
}

const subscribersMax = 32;
const waitingBytesMax = 262_144;
const connectionsMax = 64;
const idleMsMax = 30_000;

export async function listenOps(options: OpsOptions): Promise<OpsServer> {
  const desk = new OpsDesk(options);
  const own = makeServer(options, desk);
  const open = options.publicPort === null ? null : makeServer(options, desk);
  const port = await listen(own, { host: options.host, port: options.port, exclusive: true });
  if (open !== null && options.publicPort !== null) await listen(open, { host: options.host, port: options.publicPort });
  return {
    port,
    publish: (tick) => desk.publish(tick),
    leavePublicPort: () => void open?.close(),
    async close() {
      desk.hangUp();
      await Promise.all([closeServer(own), open === null ? undefined : closeServer(open)]);
    },
  };
}

function makeServer(options: OpsOptions, desk: OpsDesk): Server {
  const server = createServer(serverOptions, (request, response) => {
    response.on("error", ignoreError);
    desk.answer(request, response).catch((cause: unknown) => {
      options.log.error({ event: "ops.failed", cause });
      response.destroy();
    });
  });
  server.maxConnections = connectionsMax;
  server.setTimeout(options.idleMs ?? idleMsMax);
  server.on("error", (cause) => options.log.error({ event: "ops.listener-failed", cause }));
  server.on("clientError", (_cause, socket) => socket.destroy());
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const isClosed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await isClosed;
}

class OpsDesk {
  readonly #options: OpsOptions;
  readonly #expected: Buffer;
  readonly #subscribers = new Set<ServerResponse>();

  constructor(options: OpsOptions) {
    this.#options = options;
    this.#expected = digest(options.serviceToken);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") return sendJson(response, 405, { error: "only GET" });
    const [path = ""] = (request.url ?? "").split("?");
    switch (path) {
      case "/healthz":
        return sendJson(response, 200, { status: "ok" });
      case "/readyz":
        return this.#answerReadiness(response);
      case "/metrics":
        return send(response, 200, metricsContentType, renderMetrics(this.#options.listMetrics()));
      case "/radar":
        return this.#isAllowed(request) ? this.#subscribe(response) : sendJson(response, 401, tokenNeeded);
      case "/availability":
        return this.#isAllowed(request) ? sendJson(response, 200, this.#options.readAvailability()) : sendJson(response, 401, tokenNeeded);
      default:
        return this.#answerPlaces(request, response, path);
    }
  }

  #answerPlaces(request: IncomingMessage, response: ServerResponse, path: string): void {
    const country = /^\/availability\/([A-Z]{2})$/.exec(path)?.[1];
    if (country === undefined) return sendJson(response, 404, { error: "not found" });
    if (!this.#isAllowed(request)) return sendJson(response, 401, tokenNeeded);
    return sendJson(response, 200, this.#options.readCountryPlaces(country));
  }

  publish(tick: RadarTick): void {
    if (this.#subscribers.size === 0) return;
    const event = `event: tick\ndata: ${JSON.stringify(tick)}\n\n`;
    for (const response of this.#subscribers) {
      if (response.writableLength < waitingBytesMax) response.write(event);
    }
  }

  hangUp(): void {
    for (const response of this.#subscribers) response.end();
  }

  async #answerReadiness(response: ServerResponse): Promise<void> {
    const troubles = await this.#options.findTroubles();
    if (troubles.length === 0) sendJson(response, 200, { status: "ready", troubles });
    else sendJson(response, 503, { status: "not ready", troubles });
  }

  #isAllowed(request: IncomingMessage): boolean {
    const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digest(given), this.#expected);
  }

  #subscribe(response: ServerResponse): void {
    if (this.#subscribers.size >= subscribersMax) return sendJson(response, 503, { error: "too many subscribers" });
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
    response.write(": karvon radar\n\n");
    this.#subscribers.add(response);
    response.once("close", () => this.#subscribers.delete(response));
    return undefined;
  }
}

const tokenNeeded = { error: "a service token is needed" };
const serverOptions = { maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

function listen(server: Server, where: { host: string; port: number; exclusive?: boolean }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : where.port);
    });
  });
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
