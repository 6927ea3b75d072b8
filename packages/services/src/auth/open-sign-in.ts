/** Sign-in sessions: rows that decide, on every call, whether a signed cookie still counts. */
import { newId } from "@karvon/domain";
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";
import type { Role, Viewer } from "../views.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Idle: since the last call. Absolute: since signing in, whatever was done. */
export const signInLimits: Readonly<Record<Role, { readonly idleMs: number; readonly absoluteMs: number }>> = {
  admin: { idleMs: 30 * minuteMs, absoluteMs: 12 * hourMs },
  client: { idleMs: 12 * hourMs, absoluteMs: 30 * dayMs },
  operator: { idleMs: 12 * hourMs, absoluteMs: 30 * dayMs },
};
const userAgentLengthMax = 300;

export interface OpenedSignIn {
  readonly sessionId: string;
  readonly viewer: Viewer;
}

/** Writes a new session for somebody who has just proved who they are. */
export async function openSignIn(ctx: ServiceContext, db: DatabaseTransaction, viewer: Viewer): Promise<OpenedSignIn> {
  const now = ctx.now();
  const sessionId = newId("sis", now.getTime());
  await db.signInSession.create({
    data: {
      id: sessionId,
      userId: viewer.id,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: new Date(now.getTime() + signInLimits[viewer.role].absoluteMs),
      ipAddress: ctx.request.ipAddress,
      userAgent: ctx.request.userAgent?.slice(0, userAgentLengthMax) ?? null,
    },
    select: { id: true },
  });
  return { sessionId, viewer };
}

/** Ends all sign-ins of a user but one. Returns how many were open. */
export async function closeSignIns(db: DatabaseTransaction, userId: string, reason: string, now: Date, keepId?: string): Promise<number> {
  const { count } = await db.signInSession.updateMany({
    where: { userId, revokedAt: null, ...(keepId === undefined ? {} : { id: { not: keepId } }) },
    data: { revokedAt: now, revokeReason: reason },
  });
  return count;
}
