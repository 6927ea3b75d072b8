/** The panels' server with everything but Next: real HTTP, a database of its own, a mail server, gateways that the test plays. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { newId, noEgressAllow } from "@karvon/domain";
import { type PaymentSettings, testPaymentsOnly } from "@karvon/payments";
import { createTestDatabase, openFixtures, type Fixtures } from "@karvon/testkit";
import { createLogger } from "@karvon/telemetry";
import type { RadarTick } from "@karvon/services";
import { panelRequestHeader } from "@karvon/services/inputs";
import { encode } from "next-auth/jwt";
import superjson from "superjson";
import { composeWeb, type WebParts } from "../server/compose.ts";
import { listenPanels } from "../server/http-server.ts";
import { quietTick } from "./quiet-tick.ts";

const authSecret = "a secret for tests";
const serviceToken = "service-token-for-tests";

/** The key of the HMAC over proxy passwords. */
export const testPepper = Buffer.alloc(32, 1);

export interface TestWeb {
  readonly url: string;
  readonly fixtures: Fixtures;
  readonly parts: WebParts;
  /** What reached Next's place, newest last. */
  readonly pageRequests: IncomingMessage[];
  /** A sign-in of that user; the value is a Cookie header. */
  signIn(userId: string): Promise<{ cookie: string; sessionId: string }>;
  makeAdmin(): Promise<string>;
  query(path: string, options?: CallOptions): Promise<CallAnswer>;
  mutate(path: string, options?: CallOptions): Promise<CallAnswer>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly cookie?: string;
  readonly input?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallAnswer {
  readonly status: number;
  readonly data: unknown;
  readonly appCode: string | null;
  readonly message: string;
  readonly text: string;
  readonly headers: Headers;
}

export async function openWeb(payments: PaymentSettings = testPaymentsOnly): Promise<TestWeb> {
  const testDatabase = await createTestDatabase();
  const fixtures = openFixtures(testDatabase.url);
  const log = createLogger({ name: "test", level: "silent" });
  const server = await listenPanels({ port: 0, host: "127.0.0.1", log });
  const url = `http://127.0.0.1:${server.port}`;
  const parts = composeWeb(
    {
      databaseUrl: testDatabase.url,
      smtpUrl: "smtp://127.0.0.1:1",
      panelUrl: url,
      trustedProxies: [],
      pepper: testPepper,
      authSecret,
      serviceToken,
      sourceAllow: noEgressAllow,
      payments,
      network: {
        proxyHost: "127.0.0.1",
        proxyPort: 7000,
        tunnelHost: "127.0.0.1",
        tunnelPort: 7443,
        tunnelSpkiPin: Buffer.alloc(32).toString("base64url"),
      },
    },
    log,
  );
  const pageRequests: IncomingMessage[] = [];
  server.serve({
    ...parts.handlers,
    pages: (request, response) => {
      pageRequests.push(request);
      response.end("a page");
      return Promise.resolve();
    },
  });
  return {
    url,
    fixtures,
    parts,
    pageRequests,
    async signIn(userId) {
      const sessionId = newId("sis");
      await fixtures.pool.query("insert into sign_in_session (id, user_id, expires_at) values ($1, $2, now() + interval '1 hour')", [
        sessionId,
        userId,
      ]);
      const token = await encode({ token: { sid: sessionId }, secret: authSecret });
      return { cookie: `karvon-session=${token}`, sessionId };
    },
    async makeAdmin() {
      const id = newId("usr");
      await fixtures.pool.query("insert into user_account (id, email, role, email_verified_at) values ($1, $2, 'admin', now())", [
        id,
        `${id}@test.local`,
      ]);
      return id;
    },
    query: (path, { cookie, input, headers } = {}) => {
      const search = input === undefined ? "" : `?input=${encodeURIComponent(superjson.stringify(input))}`;
      return answerOf(fetch(`${url}/api/trpc/${path}${search}`, { headers: { ...(cookie === undefined ? {} : { cookie }), ...headers } }));
    },
    mutate: (path, { cookie, input, headers } = {}) =>
      answerOf(
        fetch(`${url}/api/trpc/${path}`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            [panelRequestHeader.name]: panelRequestHeader.value,
            ...(cookie === undefined ? {} : { cookie }),
            ...headers,
          },
          body: superjson.stringify(input),
        }),
      ),
    async close() {
      parts.endStreams();
      await server.close(1_000);
      await parts.close();
      await fixtures.close();
      await testDatabase.drop();
    },
  };
}

async function answerOf(sent: Promise<Response>): Promise<CallAnswer> {
  const response = await sent;
  const text = await response.text();
  const json = readJson(text);
  const error = superjsonIn(json, "error");
  return {
    status: response.status,
    data: superjsonIn(Reflect.get(Object(json), "result"), "data"),
    appCode: (Reflect.get(Object(Reflect.get(Object(error), "data")), "appCode") as string | null | undefined) ?? null,
    message: String(Reflect.get(Object(error), "message") ?? ""),
    text,
    headers: response.headers,
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function superjsonIn(value: unknown, key: string): unknown {
  const found: unknown = Reflect.get(Object(value), key);
  return typeof found === "object" && found !== null && "json" in found ? superjson.deserialize(found as never) : undefined;
}

const offer = { nodes: 3, byType: { mobile: 1, wifi: 2, residential: 0 } };
const offered = { countries: [{ country: "UZ", ...offer }], total: 3 };
const offeredIn = (country: string) => ({
  country,
  ...offer,
  states: [],
  cities: [{ name: "Tashkent", ask: "city-tashkent", ...offer }],
  networks: [{ name: "Uzbektelekom", ask: "asn-8193", ...offer }],
});

export interface PlayedGateway {
  readonly opsUrl: string;
  send(tick: Partial<RadarTick>): void;
  readonly streams: number;
  /** Ends all streams, as a crash would. */
  crash(): void;
  close(): Promise<void>;
}

export async function playGateway(): Promise<PlayedGateway> {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${serviceToken}`) {
      response.writeHead(401).end();
    } else if (request.url === "/radar") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      streams.add(response);
      response.on("close", () => streams.delete(response));
    } else {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(request.url === "/availability" ? offered : offeredIn(String(request.url).slice(-2))));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    opsUrl: `http://127.0.0.1:${port}`,
    send(tick) {
      const whole = { ...quietTick, atMs: Date.now(), gatewayId: "gwy_played", ...tick };
      for (const stream of streams) stream.write(`event: tick\ndata: ${JSON.stringify(whole)}\n\n`);
    },
    get streams() {
      return streams.size;
    },
    crash() {
      for (const stream of streams) stream.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
