import { AppError } from "@karvon/domain";
import type { ServiceContext } from "../context.ts";
import type { AdminCodeSignInInput } from "../inputs/auth.ts";
import { transact } from "../transaction.ts";
import { answerChallenge, consumeChallenge } from "./mailed-codes.ts";
import { openSignIn, type OpenedSignIn } from "./open-sign-in.ts";

/**
 * Opens an admin's session for a mailed code, once. CODE_WRONG, CODE_EXPIRED or TRIES_EXCEEDED otherwise.
 * A refused code is in the audit log, too.
 */
export async function signInWithAdminCode(ctx: ServiceContext, input: AdminCodeSignInInput): Promise<OpenedSignIn> {
  const answered = await answerChallenge(ctx, "admin_sign_in", input.email, input.code).catch(async (cause: unknown) => {
    if (cause instanceof AppError) await transact(ctx, (tx) => tx.audit({ action: "auth.code_refused", detail: { code: cause.code } }));
    throw cause;
  });
  return transact(ctx, async (tx) => {
    await consumeChallenge(tx.db, answered.challengeId, ctx.now());
    const viewer = await tx.db.user.findFirst({
      where: { id: answered.userId, role: "admin", status: "active" },
      select: { id: true, email: true, role: true, displayName: true, isDemo: true },
    });
    if (viewer === null) throw new AppError("CODE_WRONG", "That code is wrong. Look at the newest mail.");
    const opened = await openSignIn(ctx, tx.db, viewer);
    await tx.audit({ action: "auth.sign_in", subjectId: viewer.id, detail: { with: "mailed code", sessionId: opened.sessionId } });
    return opened;
  });
}
