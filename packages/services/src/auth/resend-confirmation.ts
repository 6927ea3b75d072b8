import { hashToken, makeMailedCode } from "@karvon/security";
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";
import type { EmailInput } from "../inputs/auth.ts";
import { confirmationMail } from "../mail/letters.ts";
import { transact } from "../transaction.ts";
import { browserSecretOf, startChallenge } from "./mailed-codes.ts";
import { confirmationTtlMs } from "./sign-up.ts";

/**
 * Mails a fresh code to the browser that signed up last with this address; says nothing about whether it did.
 * TRIES_EXCEEDED under the same limits as sign-in codes.
 */
export async function resendConfirmation(ctx: ServiceContext, input: EmailInput): Promise<{ browserSecret: string }> {
  const browserSecret = browserSecretOf(ctx);
  const { code, codeHash } = await makeMailedCode();
  const sendTo = await transact(ctx, async (tx) => {
    const waiting = await findWaiting(ctx, tx.db, input.email);
    const userId = waiting?.id ?? null;
    await startChallenge(ctx, tx.db, {
      email: input.email,
      purpose: "verify_email",
      userId,
      codeHash,
      browserSecret,
      ttlMs: confirmationTtlMs,
    });
    await tx.audit({ action: "auth.resend_confirmation", ...(userId === null ? {} : { subjectId: userId }) });
    return waiting?.email ?? null;
  });
  if (sendTo !== null) ctx.outbox.post(confirmationMail(sendTo, code, ctx.panelUrl));
  return { browserSecret };
}

/** The unconfirmed account, when this browser chose its password. */
async function findWaiting(ctx: ServiceContext, db: DatabaseTransaction, email: string): Promise<{ id: string; email: string } | null> {
  const user = await db.user.findFirst({
    where: { email, emailVerifiedAt: null, role: { not: "admin" } },
    select: { id: true, email: true },
  });
  if (user === null || ctx.request.browserSecret === null) return null;
  const newest = await db.otpChallenge.findFirst({
    where: { userId: user.id, purpose: "verify_email" },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: { browserHash: true },
  });
  if (newest?.browserHash == null) return null;
  return hashToken(ctx.request.browserSecret).equals(newest.browserHash) ? user : null;
}
