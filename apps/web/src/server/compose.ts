/** Puts the server's parts together: plain constructors in order, closed in reverse. */
import { createPrisma, openStatements } from "@karvon/db";
import {
  createAttemptLimits,
  createSignInDirectory,
  createTurnBatches,
  openOutbox,
  openSmtpMailer,
  type ServiceDeps,
} from "@karvon/services";
import { openPaymentMethods } from "@karvon/payments";
import type { Logger } from "@karvon/telemetry";
import { createApiHandler } from "./api-handler.ts";
import { createAvailability } from "./availability.ts";
import { createAddressReader } from "./client-address.ts";
import { signInCookieFor } from "./cookies.ts";
import { createDocuments } from "./documents.ts";
import type { WebEnv } from "./env.ts";
import type { PanelHandlers } from "./http-server.ts";
import { createPaymentEndpoints } from "./payments/endpoints.ts";
import { createProgramApi } from "./program-api.ts";
import { createRadarHub } from "./radar-feed.ts";
import { startRadarSubscriber } from "./radar-subscriber.ts";
import { createRequestGuard } from "./request-guard.ts";
import { createRuntime } from "./create-runtime.ts";
import type { WebRuntime } from "./runtime.ts";
import { createSignIns } from "./sign-ins.ts";

const poolMax = 10;

const now = () => new Date();

export interface WebParts {
  readonly runtime: WebRuntime;
  readonly handlers: Omit<PanelHandlers, "pages">;
  /** Live streams that are open. */
  readonly liveStreams: () => number;
  /** Ends live streams: the first step of stopping, or they would hold it up. */
  endStreams(): void;
  close(): Promise<void>;
}

export function composeWeb(env: WebEnv, log: Logger): WebParts {
  const onError = (cause: unknown) => log.warn({ event: "database.connection-lost", cause });
  const database = createPrisma({ url: env.databaseUrl, poolMax, onError });
  const statements = openStatements({ url: env.databaseUrl, poolMax, onError });
  const batches = createTurnBatches(statements);
  const outbox = openOutbox({ mailer: openSmtpMailer(env.smtpUrl), onFailure: (cause) => log.error({ event: "mail.given-up", cause }) });
  const listGateways = (limit: number) =>
    database.gateway.findMany({
      where: { stoppedAt: null },
      orderBy: { startedAt: "desc" },
      take: limit,
      select: { id: true, opsUrl: true },
    });
  const availability = createAvailability({ serviceToken: env.serviceToken, listGateways });
  const deps: ServiceDeps = {
    database,
    statements,
    batches,
    outbox,
    attempts: createAttemptLimits(),
    network: env.network,
    payments: openPaymentMethods(env.payments),
    panelUrl: env.panelUrl,
    pepper: env.pepper,
    sourceAllow: env.sourceAllow,
    now,
    findAvailability: () => availability.find(),
    findCountryPlaces: (country) => availability.findPlaces(country),
  };
  const directory = createSignInDirectory({ database, batches, now });
  const signIns = createSignIns({ directory, authSecret: env.authSecret });
  const hub = createRadarHub();
  const subscriber = startRadarSubscriber({ hub, serviceToken: env.serviceToken, listGateways, log });
  const cookie = signInCookieFor(env.panelUrl);
  const readAddress = createAddressReader({ panelUrl: env.panelUrl, trustedProxies: env.trustedProxies });
  return {
    runtime: createRuntime({ deps, signIns, directory, authSecret: env.authSecret, cookie, log }),
    handlers: {
      guard: createRequestGuard({ panelUrl: env.panelUrl }),
      readAddress,
      api: createApiHandler({ deps, signIns, radar: hub, readAddress, cookie, log }),
      programs: createProgramApi({ deps, readAddress }),
      documents: createDocuments({ deps, signIns, readAddress, cookie }),
      payments: createPaymentEndpoints({ deps, readAddress, log }),
      isReady: () =>
        database.$queryRaw`select 1`.then(
          () => true,
          () => false,
        ),
      isSecure: cookie.isSecure,
    },
    liveStreams: () => hub.watching,
    endStreams: () => hub.close(),
    async close() {
      await subscriber.close();
      await outbox.close();
      await statements.close();
      await database.$disconnect();
    },
  };
}
