import { AppError } from "@karvon/domain";
import { requireSignedIn } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { RevokeSessionInput } from "../inputs/auth.ts";
import { transact } from "../transaction.ts";
import type { SignInSessionView } from "../views.ts";
import { closeSignIns } from "./open-sign-in.ts";

const shownMax = 50;

/** The own sign-ins that are open, newest first, at most 50. */
export async function listSignInSessions(ctx: ServiceContext): Promise<SignInSessionView[]> {
  const { userId, sessionId } = requireSignedIn(ctx);
  const rows = await ctx.database.signInSession.findMany({
    where: { userId, revokedAt: null, expiresAt: { gt: ctx.now() } },
    orderBy: { createdAt: "desc" },
    take: shownMax,
    select: { id: true, createdAt: true, lastSeenAt: true, ipAddress: true, userAgent: true },
  });
  return rows.map((row) => ({ ...row, isCurrent: row.id === sessionId }));
}

/** Ends one of the own sign-ins. NOT_FOUND when it is somebody else's or has ended. */
export async function revokeSignInSession(ctx: ServiceContext, input: RevokeSessionInput): Promise<void> {
  const { userId } = requireSignedIn(ctx);
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.signInSession.updateMany({
      where: { id: input.id, userId, revokedAt: null },
      data: { revokedAt: ctx.now(), revokeReason: "ended by its owner" },
    });
    if (count !== 1) throw new AppError("NOT_FOUND", "There is no such sign-in.");
    await tx.audit({ action: "auth.revoke_session", subjectId: input.id });
  });
}

/** Ends all own sign-ins but the one that asks. */
export async function revokeOtherSignInSessions(ctx: ServiceContext): Promise<void> {
  const { userId, sessionId } = requireSignedIn(ctx);
  await transact(ctx, async (tx) => {
    const ended = await closeSignIns(tx.db, userId, "ended by its owner", ctx.now(), sessionId);
    await tx.audit({ action: "auth.revoke_other_sessions", subjectId: userId, detail: { ended } });
  });
}

/** Ends the sign-in that asks. */
export async function signOut(ctx: ServiceContext): Promise<void> {
  const { userId, sessionId } = requireSignedIn(ctx);
  await transact(ctx, async (tx) => {
    await tx.db.signInSession.updateMany({
      where: { id: sessionId, userId, revokedAt: null },
      data: { revokedAt: ctx.now(), revokeReason: "signed out" },
    });
    await tx.audit({ action: "auth.sign_out", subjectId: sessionId });
  });
}
