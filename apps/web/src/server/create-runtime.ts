/** Signing in and out, for Next's side of the process. */
import { AppError } from "@karvon/domain";
import {
  anonymous,
  signInWithAdminCode,
  signInWithPassword,
  signOut,
  type Actor,
  type ServiceContext,
  type ServiceDeps,
  type SignInDirectory,
  type Viewer,
} from "@karvon/services";
import { AdminCodeSignInInput, PasswordSignInInput } from "@karvon/services/inputs";
import type { Logger } from "@karvon/telemetry";
import { browserCookieName, readCookie } from "./cookies.ts";
import type { SignInCookie, SignInOutcome, SignInRequest, WebRuntime } from "./runtime.ts";
import type { SignIns } from "./sign-ins.ts";

export interface RuntimeOptions {
  readonly deps: ServiceDeps;
  readonly signIns: SignIns;
  readonly directory: SignInDirectory;
  readonly authSecret: string;
  readonly cookie: SignInCookie;
  readonly log: Logger;
}

const unknownRequest: SignInRequest = { ipAddress: null, userAgent: null, cookieHeader: null };

export function createRuntime(options: RuntimeOptions): WebRuntime {
  const { deps, signIns, directory, authSecret, cookie, log } = options;
  const contextFor = (request: SignInRequest, actor: Actor = anonymous): ServiceContext => ({
    ...deps,
    actor,
    request: {
      ipAddress: request.ipAddress === "" ? null : request.ipAddress,
      userAgent: request.userAgent,
      browserSecret: readCookie(request.cookieHeader, browserCookieName(cookie.isSecure)) ?? null,
    },
  });
  return {
    authSecret,
    signInCookie: cookie,
    findViewer: async (value) => (await signIns.identify(value)).viewer,
    async endSignIn(sessionId) {
      const found = await directory.find(sessionId);
      if (found !== null) await signOut(contextFor(unknownRequest, found.actor));
    },
    signInWithPassword: (credentials, request) =>
      settle(log, async () => signInWithPassword(contextFor(request), parse(PasswordSignInInput.safeParse(credentials)))),
    signInWithAdminCode: (credentials, request) =>
      settle(log, async () => signInWithAdminCode(contextFor(request), parse(AdminCodeSignInInput.safeParse(credentials)))),
  };
}

function parse<Input>(result: { success: true; data: Input } | { success: false }): Input {
  if (result.success) return result.data;
  throw new AppError("INPUT_INVALID", "Check what you typed.");
}

/** Refusals become values: an exception would have to cross from one copy of the modules into the other. */
async function settle(log: Logger, work: () => Promise<{ sessionId: string; viewer: Viewer }>): Promise<SignInOutcome> {
  try {
    return { kind: "signed_in", ...(await work()) };
  } catch (cause) {
    if (cause instanceof AppError) return { kind: "refused", code: cause.code };
    log.error({ event: "sign-in.failed", cause });
    return { kind: "failed" };
  }
}
