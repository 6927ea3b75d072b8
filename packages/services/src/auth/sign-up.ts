import { newId } from "@karvon/domain";
import { makeMailedCode, slowHash } from "@karvon/security";
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";
import type { SignUpInput } from "../inputs/auth.ts";
import { alreadyKnownMail, confirmationMail } from "../mail/letters.ts";
import { transact } from "../transaction.ts";
import { browserSecretOf, startChallenge } from "./mailed-codes.ts";

/** A confirmation is no sign-in: its code may wait an hour for slow mail. */
export const confirmationTtlMs = 60 * 60_000;

/**
 * Makes an account that waits for its address to be confirmed, and mails the code for that.
 *
 * The answer is the same for an address that is confirmed already; its owner gets a mail that says so. Signing up
 * again before confirming replaces the password and makes earlier codes useless, so nobody can leave a password on
 * an address for its owner to confirm: the code only counts in the browser that chose the password.
 */
export async function signUp(ctx: ServiceContext, input: SignUpInput): Promise<{ email: string; browserSecret: string }> {
  const browserSecret = browserSecretOf(ctx);
  const passwordHash = await slowHash(input.password);
  const { code, codeHash } = await makeMailedCode();
  const isNew = await transact(ctx, async (tx) => {
    const userId = await writeUnconfirmed(ctx, tx.db, input, passwordHash);
    await startChallenge(ctx, tx.db, {
      email: input.email,
      purpose: "verify_email",
      userId,
      codeHash,
      browserSecret,
      ttlMs: confirmationTtlMs,
    });
    await tx.audit({
      action: "auth.sign_up",
      ...(userId === null ? {} : { subjectId: userId }),
      detail: { role: input.role, isKnown: userId === null },
    });
    return userId !== null;
  });
  ctx.outbox.post(isNew ? confirmationMail(input.email, code, ctx.panelUrl) : alreadyKnownMail(input.email, ctx.panelUrl));
  return { email: input.email, browserSecret };
}

/** The account's id, or null when the address is confirmed already and nothing was written. */
async function writeUnconfirmed(
  ctx: ServiceContext,
  db: DatabaseTransaction,
  input: SignUpInput,
  passwordHash: string,
): Promise<string | null> {
  const displayName = input.displayName === undefined || input.displayName === "" ? null : input.displayName;
  const [row] = await db.$queryRaw<{ id: string }[]>`
    insert into user_account (id, email, role, display_name, password_hash, created_at)
    values (${newId("usr", ctx.now().getTime())}, ${input.email}, ${input.role}::"Role", ${displayName}, ${passwordHash}, ${ctx.now()})
    on conflict (email) do update set role = excluded.role, display_name = excluded.display_name, password_hash = excluded.password_hash
      where user_account.email_verified_at is null and user_account.role <> 'admin'
    returning id`;
  if (row === undefined) return null;
  await db.otpChallenge.updateMany({
    where: { userId: row.id, purpose: "verify_email", consumedAt: null },
    data: { consumedAt: ctx.now() },
  });
  return row.id;
}
