/**
 * Who acts. Every verb begins with one of the `require…` guards; what it returns carries the tenant's id, and
 * that id goes into every query of the verb.
 */
import { AppError } from "@karvon/domain";

export interface AnonymousActor {
  readonly kind: "anonymous";
}
export interface ClientActor {
  readonly kind: "client";
  readonly userId: string;
  readonly clientId: string;
  readonly sessionId: string;
}
export interface OperatorActor {
  readonly kind: "operator";
  readonly userId: string;
  readonly operatorId: string;
  readonly sessionId: string;
}
export interface AdminActor {
  readonly kind: "admin";
  readonly userId: string;
  readonly sessionId: string;
}
/** Karvon itself: the launcher that seeds, the CLI on the server. */
export interface SystemActor {
  readonly kind: "system";
  readonly name: string;
}
export type SignedInActor = ClientActor | OperatorActor | AdminActor;
export type Actor = AnonymousActor | SignedInActor | SystemActor;

export const anonymous: AnonymousActor = { kind: "anonymous" };

interface Acting {
  readonly actor: Actor;
}

function refuseRole(actor: Actor): never {
  if (actor.kind === "anonymous") throw new AppError("SIGN_IN_REQUIRED", "Sign in first.");
  throw new AppError("ROLE_FORBIDDEN", "Your role may not do this.");
}

export function requireClient(ctx: Acting): ClientActor {
  return ctx.actor.kind === "client" ? ctx.actor : refuseRole(ctx.actor);
}

export function requireOperator(ctx: Acting): OperatorActor {
  return ctx.actor.kind === "operator" ? ctx.actor : refuseRole(ctx.actor);
}

export function requireAdmin(ctx: Acting): AdminActor {
  return ctx.actor.kind === "admin" ? ctx.actor : refuseRole(ctx.actor);
}

export function requireSystem(ctx: Acting): SystemActor {
  return ctx.actor.kind === "system" ? ctx.actor : refuseRole(ctx.actor);
}

export function requireSignedIn(ctx: Acting): SignedInActor {
  if (ctx.actor.kind === "anonymous" || ctx.actor.kind === "system") return refuseRole(ctx.actor);
  return ctx.actor;
}
