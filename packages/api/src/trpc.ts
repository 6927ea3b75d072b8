/**
 * tRPC's base: errors are translated once, roles are checked once.
 *
 * What we did not foresee says one fixed sentence; its cause goes to the log of the HTTP layer (`onError`).
 * Limits: 10 calls a batch; a subscription pings every 15 s and asks the browser to reconnect after 40 s of silence.
 */
import { AppError, PANEL_ERRORS, type PanelErrorCode } from "@karvon/domain";
import { initTRPC, TRPCError } from "@trpc/server";
import { ZodError } from "zod";
import { type ApiContext, serviceContext } from "./context.ts";
import { transformer } from "./transformer.ts";

export const batchCallsMax = 10;
const pingIntervalMs = 15_000;
const silenceMsMax = 40_000;
export const unforeseenMessage = "Something failed on our side. Try again; if it stays, tell us the time.";

/** The table's code behind an error, where there is one. */
function appCodeOf(error: TRPCError): PanelErrorCode | null {
  if (error.cause instanceof AppError) return error.cause.code;
  if (error.cause instanceof ZodError) return "INPUT_INVALID";
  return null;
}

/** The first messages of each field, keyed by its path ("" for the whole object). */
function fieldErrors(cause: unknown): Record<string, string[]> | undefined {
  if (!(cause instanceof ZodError)) return undefined;
  const fields: Record<string, string[]> = {};
  for (const issue of cause.issues.slice(0, 50)) {
    const path = issue.path.map(String).join(".");
    (fields[path] ??= []).push(issue.message);
  }
  return fields;
}

const t = initTRPC.context<ApiContext>().create({
  transformer,
  isDev: false,
  sse: { ping: { enabled: true, intervalMs: pingIntervalMs }, client: { reconnectAfterInactivityMs: silenceMsMax } },
  errorFormatter({ shape, error }) {
    return {
      ...shape,
      message: shownMessage(error),
      data: {
        code: shape.data.code,
        httpStatus: shape.data.httpStatus,
        path: shape.data.path,
        appCode: appCodeOf(error),
        fields: fieldErrors(error.cause),
      },
    };
  },
});

/**
 * The last gate: whatever way an error came, also out of a stream that was running, only what may be shown leaves.
 */
function shownMessage(error: TRPCError): string {
  if (error.cause instanceof AppError) return error.cause.message;
  if (error.cause instanceof ZodError) return "Check the marked fields.";
  return error.code === "INTERNAL_SERVER_ERROR" ? unforeseenMessage : error.message;
}

const translateErrors = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok) return result;
  const { code, cause } = result.error;
  if (cause instanceof AppError) throw new TRPCError({ code: PANEL_ERRORS[cause.code].trpc, message: cause.message, cause });
  if (code === "INTERNAL_SERVER_ERROR") throw new TRPCError({ code, message: unforeseenMessage, cause });
  return result;
});

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/** Anybody, signed in or not. The verb decides. */
export const publicProcedure = t.procedure.use(translateErrors).use(({ ctx, next }) => next({ ctx: { services: serviceContext(ctx) } }));

function roleProcedure(role: "client" | "operator" | "admin") {
  return publicProcedure.use(({ ctx, next }) => {
    if (ctx.actor.kind === role) return next();
    throw ctx.actor.kind === "anonymous"
      ? new AppError("SIGN_IN_REQUIRED", "Sign in first.")
      : new AppError("ROLE_FORBIDDEN", "Your role may not do this.");
  });
}

export const signedInProcedure = publicProcedure.use(({ ctx, next }) => {
  if (ctx.actor.kind === "anonymous") throw new AppError("SIGN_IN_REQUIRED", "Sign in first.");
  return next();
});
export const clientProcedure = roleProcedure("client");
export const operatorProcedure = roleProcedure("operator");
export const adminProcedure = roleProcedure("admin");
