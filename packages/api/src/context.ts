/** What one HTTP request brings to its procedures. */
import type { Actor, RequestFacts, ServiceContext, ServiceDeps, Viewer } from "@karvon/services";
import type { RadarFeed } from "./radar-feed.ts";

export interface CookieSink {
  /** Sets the cookie that binds a mailed code to this browser. */
  setBrowserSecret(secret: string): void;
  /** Forgets the sign-in cookie. */
  clearSignIn(): void;
}

export interface ApiContext {
  readonly deps: ServiceDeps;
  readonly actor: Actor;
  readonly viewer: Viewer | null;
  readonly request: RequestFacts;
  readonly cookies: CookieSink;
  readonly radar: RadarFeed;
  /** Why a browser that has a sign-in cookie is not let in, when that is so. */
  readonly isStillSignedIn: () => Promise<boolean>;
}

export function serviceContext(ctx: ApiContext): ServiceContext {
  return { ...ctx.deps, actor: ctx.actor, request: ctx.request };
}
