/**
 * Runtime: what the server's composition root lends to Next's code.
 *
 * Next bundles its own copy of every module it compiles, so a module-level variable would exist twice. The one
 * instance hangs on `globalThis` under a registered symbol; only this file knows that. Next's side gets no database,
 * no services: just who is looking and how to sign in.
 */
import type { PanelErrorCode } from "@karvon/domain";
import type { Viewer } from "@karvon/services";

/** What a request brings to signing in. */
export interface SignInRequest {
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly cookieHeader: string | null;
}

export type SignInOutcome =
  | { readonly kind: "signed_in"; readonly sessionId: string; readonly viewer: Viewer }
  | { readonly kind: "refused"; readonly code: PanelErrorCode }
  /** Something broke on our side; it is in the log. */
  | { readonly kind: "failed" };

export interface WebRuntime {
  readonly authSecret: string;
  readonly signInCookie: SignInCookie;
  /** Who a sign-in cookie stands for at this moment, or null. */
  findViewer(cookieValue: string | undefined): Promise<Viewer | null>;
  /** Ends a session whose cookie is being taken back. Does nothing when it has ended. */
  endSignIn(sessionId: string): Promise<void>;
  signInWithPassword(credentials: unknown, request: SignInRequest): Promise<SignInOutcome>;
  signInWithAdminCode(credentials: unknown, request: SignInRequest): Promise<SignInOutcome>;
}

export interface SignInCookie {
  readonly name: string;
  readonly isSecure: boolean;
}

const key = Symbol.for("karvon.web");

/** Called once, by the server's main, before Next serves. */
export function publishRuntime(runtime: WebRuntime): void {
  Reflect.set(globalThis, key, runtime);
}

/** Throws outside the custom server, for example while `next build` collects pages. */
export function getRuntime(): WebRuntime {
  const runtime: unknown = Reflect.get(globalThis, key);
  if (!isRuntime(runtime)) throw new Error("the panels run inside apps/web/dist/server.mjs only");
  return runtime;
}

function isRuntime(value: unknown): value is WebRuntime {
  return typeof value === "object" && value !== null && "findViewer" in value;
}
