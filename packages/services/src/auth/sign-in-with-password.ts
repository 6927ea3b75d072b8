import { AppError } from "@karvon/domain";
import { slowVerify } from "@karvon/security";
import type { ServiceContext } from "../context.ts";
import type { PasswordSignInInput } from "../inputs/auth.ts";
import { transact } from "../transaction.ts";
import { openSignIn, type OpenedSignIn } from "./open-sign-in.ts";

const knownAddressDays = 30;

/**
 * Opens a client's or operator's session. SIGN_IN_FAILED says nothing about which part was wrong; only who knows the
 * password learns EMAIL_NOT_CONFIRMED or ACCOUNT_SUSPENDED. TRIES_EXCEEDED after too many failures.
 */
export async function signInWithPassword(ctx: ServiceContext, input: PasswordSignInInput): Promise<OpenedSignIn> {
  const user = await ctx.database.user.findUnique({
    where: { email: input.email },
    select: { id: true, email: true, role: true, status: true, displayName: true, isDemo: true, passwordHash: true, emailVerifiedAt: true },
  });
  const attempt = {
    account: input.email,
    address: ctx.request.ipAddress ?? "unknown",
    // Asked for nobody as for somebody: the answer takes as long.
    isKnownAddress: await hasSignedInFrom(ctx, user?.id ?? "nobody"),
  };
  if (!ctx.attempts.begin(attempt, ctx.now().getTime())) {
    throw new AppError("TRIES_EXCEEDED", "Too many wrong passwords. Wait 15 minutes, then try again.");
  }
  // Admins have no password: for them, as for nobody, the same work is done and the answer is no.
  const isRight = await slowVerify(hashOf(user), input.password);
  if (user === null || !isRight) throw new AppError("SIGN_IN_FAILED", "E-mail or password is wrong.");
  ctx.attempts.succeed(attempt);
  if (user.emailVerifiedAt === null) throw new AppError("EMAIL_NOT_CONFIRMED", "Confirm your e-mail address first.");
  if (user.status !== "active") throw new AppError("ACCOUNT_SUSPENDED", "This account is suspended. Write to support.");
  const viewer = { id: user.id, email: user.email, role: user.role, displayName: user.displayName, isDemo: user.isDemo };
  return transact(ctx, async (tx) => {
    const opened = await openSignIn(ctx, tx.db, viewer);
    await tx.audit({ action: "auth.sign_in", subjectId: user.id, detail: { with: "password", sessionId: opened.sessionId } });
    return opened;
  });
}

function hashOf(user: { readonly role: string; readonly passwordHash: string | null } | null): string | null {
  return user === null || user.role === "admin" ? null : user.passwordHash;
}

async function hasSignedInFrom(ctx: ServiceContext, userId: string): Promise<boolean> {
  if (ctx.request.ipAddress === null) return false;
  const since = new Date(ctx.now().getTime() - knownAddressDays * 24 * 3_600_000);
  const earlier = await ctx.database.signInSession.findFirst({
    where: { userId, ipAddress: ctx.request.ipAddress, createdAt: { gt: since } },
    select: { id: true },
  });
  return earlier !== null;
}
