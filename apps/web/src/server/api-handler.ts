/** /api/trpc: tRPC's own resolver between node:http's request and answer, subscriptions included. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { appRouter, batchCallsMax, type ApiContext, type RadarFeed } from "@karvon/api";
import type { ServiceDeps } from "@karvon/services";
import type { Logger } from "@karvon/telemetry";
import { incomingMessageToRequest } from "@trpc/server/adapters/node-http";
import { resolveResponse } from "@trpc/server/http";
import type { AddressReader } from "./client-address.ts";
import { browserCookie, browserCookieName, clearedSignInCookie, readCookie } from "./cookies.ts";
import { bodyBytesMax } from "./request-guard.ts";
import type { SignInCookie } from "./runtime.ts";
import type { SignIns } from "./sign-ins.ts";
import { writeAnswer } from "./write-answer.ts";

export const apiPath = "/api/trpc/";

export interface ApiHandlerOptions {
  readonly deps: ServiceDeps;
  readonly signIns: SignIns;
  readonly radar: RadarFeed;
  readonly readAddress: AddressReader;
  readonly cookie: SignInCookie;
  readonly log: Logger;
}

export type ApiHandler = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

export function createApiHandler(options: ApiHandlerOptions): ApiHandler {
  const createContext = async (req: IncomingMessage, res: ServerResponse): Promise<ApiContext> => {
    const { cookie, signIns, radar, deps } = options;
    const { viewer, actor, sessionId } = await signIns.identify(readCookie(req.headers.cookie, cookie.name));
    return {
      deps,
      viewer,
      actor,
      radar,
      request: {
        ipAddress: options.readAddress(req),
        userAgent: req.headers["user-agent"] ?? null,
        browserSecret: readCookie(req.headers.cookie, browserCookieName(cookie.isSecure)) ?? null,
      },
      cookies: {
        setBrowserSecret: (secret) => void res.appendHeader("Set-Cookie", browserCookie(secret, cookie.isSecure)),
        clearSignIn: () => void res.appendHeader("Set-Cookie", clearedSignInCookie(cookie)),
      },
      isStillSignedIn: () => signIns.isOpen(sessionId),
    };
  };
  return async (req, res, path) => {
    res.setHeader("Cache-Control", "no-store");
    const request = incomingMessageToRequest(req, res, { maxBodySize: bodyBytesMax });
    const answer = await resolveResponse({
      router: appRouter,
      req: request,
      path: path.slice(apiPath.length),
      error: null,
      createContext: () => createContext(req, res),
      maxBatchSize: batchCallsMax,
      onError: ({ error, path: procedure }) => {
        if (error.code === "INTERNAL_SERVER_ERROR") options.log.error({ event: "api.failed", procedure, cause: error.cause ?? error });
      },
    });
    await writeAnswer(answer, res, request.signal);
  };
}
