/**
 * The panels' one HTTP server: the guard first, then health, then the API on its own handler, then Next.
 *
 * Limits: 10 s for a request's head, 30 s for the whole request, 5 s of idle keep-alive beyond the last answer,
 * 4,096 connections. Upgrades are refused: nothing here speaks WebSocket.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "@karvon/telemetry";
import { apiPath, type ApiHandler } from "./api-handler.ts";
import { clientAddressHeader, type AddressReader } from "./client-address.ts";
import { documentPath, type Documents } from "./documents.ts";
import { type PaymentEndpoints, paymentPath } from "./payments/endpoints.ts";
import { type ProgramApi, programPath } from "./program-api.ts";
import { stripInnerHeaders, type RequestGuard } from "./request-guard.ts";
import { contentPolicy, dataPolicy, makeNonce, setSecurityHeaders } from "./security-headers.ts";

const headMsMax = 10_000;
const requestMsMax = 30_000;
const idleMsMax = 5_000;
const connectionsMax = 4_096;

export interface PanelHandlers {
  readonly guard: RequestGuard;
  readonly readAddress: AddressReader;
  readonly api: ApiHandler;
  readonly programs: ProgramApi;
  readonly payments: PaymentEndpoints;
  readonly documents: Documents;
  readonly pages: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly isReady: () => Promise<boolean>;
  readonly isSecure: boolean;
}

export interface PanelServer {
  readonly port: number;
  /** Until this is called every request is answered 503. */
  serve(handlers: PanelHandlers): void;
  /** Takes no new connections, ends idle ones, waits up to `graceMs` for the others, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export async function listenPanels(options: {
  readonly port: number;
  readonly host: string | undefined;
  readonly log: Logger;
}): Promise<PanelServer> {
  let handlers: PanelHandlers | null = null;
  const server = createServer((request, response) => {
    const failed = (cause: unknown) => fail(response, options.log, cause);
    response.on("error", failed);
    if (handlers === null) answer(response, 503, "The panels are starting. Try again in a moment.");
    else handle(handlers, request, response).catch(failed);
  });
  server.headersTimeout = headMsMax;
  server.requestTimeout = requestMsMax;
  server.keepAliveTimeout = idleMsMax;
  server.maxConnections = connectionsMax;
  server.on("clientError", refuseMalformed);
  // First in line: Next adds a listener of its own, which then finds a socket that is closed.
  server.prependListener("upgrade", (_request: IncomingMessage, socket: Duplex) => socket.destroy());
  await listen(server, options.port, options.host);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    serve(ready) {
      handlers = ready;
    },
    close: (graceMs) => close(server, graceMs),
  };
}

async function handle(handlers: PanelHandlers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  stripInnerHeaders(request);
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const data = dataHandler(handlers, path);
  const policy = data !== null ? dataPolicy : contentPolicy(makeNonce(), handlers.isSecure);
  setSecurityHeaders(response, policy, handlers.isSecure);
  // Before the guard, which is for browsers: providers send forms and wrong methods too, and each has answers of its own.
  if (path.startsWith(paymentPath)) return handlers.payments(request, response, path);
  const turned = handlers.guard(request, path);
  if (turned !== null) return turnAway(request, response, turned.status, turned.sentence);
  if (path === "/healthz") return answer(response, 200, "ok");
  if (path === "/readyz")
    return (await handlers.isReady()) ? answer(response, 200, "ready") : answer(response, 503, "the database does not answer");
  if (data !== null) return data(request, response, path);
  // Next reads the nonce from here, and the sign-in routes the address.
  request.headers["content-security-policy"] = policy;
  request.headers[clientAddressHeader] = handlers.readAddress(request) ?? "";
  return handlers.pages(request, response);
}

/** Who answers with data; null for pages. */
function dataHandler(handlers: PanelHandlers, path: string): ApiHandler | null {
  if (path.startsWith(apiPath)) return handlers.api;
  if (path.startsWith(programPath)) return handlers.programs;
  if (path.startsWith(documentPath)) return handlers.documents;
  return path.startsWith(paymentPath) ? handlers.payments : null;
}

/** Answers without reading the body, and ends the connection so that the rest of it is not taken for a request. */
function turnAway(request: IncomingMessage, response: ServerResponse, status: number, sentence: string): void {
  if (request.method !== "GET" && request.method !== "HEAD") response.setHeader("Connection", "close");
  answer(response, status, sentence);
}

function answer(response: ServerResponse, status: number, sentence: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("Cache-Control", "no-store");
  response.end(`${sentence}\n`);
}

function fail(response: ServerResponse, log: Logger, cause: unknown): void {
  log.error({ event: "http.failed", cause });
  if (response.headersSent) response.destroy();
  else answer(response, 500, "Something failed on our side.");
}

/** RFC 9110, section 15.5: what is not HTTP gets one line and no more of our time. */
function refuseMalformed(_cause: Error, socket: Duplex): void {
  if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  else socket.destroy();
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
