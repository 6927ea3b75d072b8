/** Puts the server's parts together: plain constructors in order, closed in reverse. */
import { AppError, type PanelErrorCode } from "@karvon/domain";
import { createPrisma, openStatements } from "@karvon/db";
import {
  anonymous,
  createAttemptLimits,
  createSignInDirectory,
  openOutbox,
  openSmtpMailer,
  signInWithAdminCode,
  signInWithPassword,
  type ServiceContext,
  type ServiceDeps,
} from "@karvon/services";
import { AdminCodeSignInInput, PasswordSignInInput } from "@karvon/services/inputs";
import type { Logger } from "@karvon/telemetry";
import { createApiHandler } from "./api-handler.ts";
import { createAvailability } from "./availability.ts";
import { createAddressReader } from "./client-address.ts";
import { browserCookieName, readCookie, signInCookieFor } from "./cookies.ts";
import type { WebEnv } from "./env.ts";
import type { PanelHandlers } from "./http-server.ts";
import { createRadarHub } from "./radar-feed.ts";
import { startRadarSubscriber } from "./radar-subscriber.ts";
import { createRequestGuard } from "./request-guard.ts";
import type { SignInOutcome, SignInRequest, WebRuntime } from "./runtime.ts";
import { createSignIns } from "./sign-ins.ts";

const poolMax = 10;

const now = () => new Date();

export interface WebParts {
  readonly runtime: WebRuntime;
  readonly handlers: Omit<PanelHandlers, "pages">;
  /** Ends live streams: the first step of stopping, or they would hold it up. */
  endStreams(): void;
  close(): Promise<void>;
}

export function composeWeb(env: WebEnv, log: Logger): WebParts {
  const onError = (cause: unknown) => log.warn({ event: "database.connection-lost", cause });
  const database = createPrisma({ url: env.databaseUrl, poolMax, onError });
  const statements = openStatements({ url: env.databaseUrl, poolMax, onError });
  const outbox = openOutbox({ mailer: openSmtpMailer(env.smtpUrl), onFailure: (cause) => log.error({ event: "mail.given-up", cause }) });
  const listGateways = (limit: number) =>
    database.gateway.findMany({
      where: { stoppedAt: null },
      orderBy: { startedAt: "desc" },
      take: limit,
      select: { id: true, opsUrl: true },
    });
  const deps: ServiceDeps = {
    database,
    statements,
    outbox,
    attempts: createAttemptLimits(),
    network: env.network,
    panelUrl: env.panelUrl,
    pepper: env.pepper,
    now,
    findAvailability: createAvailability({ serviceToken: env.serviceToken, listGateways }),
  };
  const signIns = createSignIns({ directory: createSignInDirectory({ database, statements, now }), authSecret: env.authSecret });
  const hub = createRadarHub();
  const subscriber = startRadarSubscriber({ hub, serviceToken: env.serviceToken, listGateways, log });
  const cookie = signInCookieFor(env.panelUrl);
  const readAddress = createAddressReader({ panelUrl: env.panelUrl, trustedProxies: env.trustedProxies });
  const contextFor = (request: SignInRequest): ServiceContext => ({
    ...deps,
    actor: anonymous,
    request: {
      ipAddress: request.ipAddress === "" ? null : request.ipAddress,
      userAgent: request.userAgent,
      browserSecret: readCookie(request.cookieHeader, browserCookieName(cookie.isSecure)) ?? null,
    },
  });
  return {
    runtime: {
      authSecret: env.authSecret,
      signInCookie: cookie,
      findViewer: async (value) => (await signIns.identify(value)).viewer,
      signInWithPassword: (credentials, request) =>
        settle(log, async () => signInWithPassword(contextFor(request), parse(PasswordSignInInput.safeParse(credentials)))),
      signInWithAdminCode: (credentials, request) =>
        settle(log, async () => signInWithAdminCode(contextFor(request), parse(AdminCodeSignInInput.safeParse(credentials)))),
    },
    handlers: {
      guard: createRequestGuard({ panelUrl: env.panelUrl }),
      readAddress,
      api: createApiHandler({ deps, signIns, radar: hub, readAddress, cookie, log }),
      isReady: () =>
        database.$queryRaw`select 1`.then(
          () => true,
          () => false,
        ),
      isSecure: cookie.isSecure,
    },
    endStreams: () => hub.close(),
    async close() {
      await subscriber.close();
      await outbox.close();
      await statements.close();
      await database.$disconnect();
    },
  };
}

function parse<Input>(result: { success: true; data: Input } | { success: false }): Input {
  if (result.success) return result.data;
  throw new AppError("INPUT_INVALID", "Check what you typed.");
}

/** Refusals become values: an exception would have to cross from one copy of the modules into the other. */
async function settle(log: Logger, work: () => Promise<{ sessionId: string; viewer: WebRuntimeViewer }>): Promise<SignInOutcome> {
  try {
    return { kind: "signed_in", ...(await work()) };
  } catch (cause) {
    if (cause instanceof AppError) return { kind: "refused", code: cause.code };
    log.error({ event: "sign-in.failed", cause });
    const code: PanelErrorCode = "SIGN_IN_FAILED";
    return { kind: "refused", code };
  }
}

type WebRuntimeViewer = NonNullable<Awaited<ReturnType<WebRuntime["findViewer"]>>>;
