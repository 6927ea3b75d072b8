import { mailedCodeLimits, makeMailedCode } from "@karvon/security";
import type { ServiceContext } from "../context.ts";
import type { EmailInput } from "../inputs/auth.ts";
import { adminCodeMail } from "../mail/letters.ts";
import { transact } from "../transaction.ts";
import { browserSecretOf, startChallenge } from "./mailed-codes.ts";

/**
 * Mails a sign-in code when the address is an active admin's; says nothing about whether it is.
 * TRIES_EXCEEDED after 3 codes in 15 minutes or 20 a day for one address, or 30 an hour from one IP.
 */
export async function requestAdminCode(ctx: ServiceContext, input: EmailInput): Promise<{ browserSecret: string }> {
  const browserSecret = browserSecretOf(ctx);
  const { code, codeHash } = await makeMailedCode();
  const sendTo = await transact(ctx, async (tx) => {
    const admin = await tx.db.user.findFirst({
      where: { email: input.email, role: "admin", status: "active" },
      select: { id: true, email: true },
    });
    const userId = admin?.id ?? null;
    await startChallenge(ctx, tx.db, {
      email: input.email,
      purpose: "admin_sign_in",
      userId,
      codeHash,
      browserSecret,
      ttlMs: mailedCodeLimits.ttlMs,
    });
    await tx.audit({ action: "auth.request_code", ...(userId === null ? {} : { subjectId: userId }) });
    return admin?.email ?? null;
  });
  if (sendTo !== null) ctx.outbox.post(adminCodeMail(sendTo, code, ctx.panelUrl));
  return { browserSecret };
}
