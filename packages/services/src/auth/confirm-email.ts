import { AppError, newId } from "@karvon/domain";
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";
import type { ConfirmEmailInput } from "../inputs/auth.ts";
import { transact } from "../transaction.ts";
import { answerChallenge, consumeChallenge } from "./mailed-codes.ts";

/** Confirms the address and gives the account its client or operator side. CODE_WRONG, CODE_EXPIRED or TRIES_EXCEEDED otherwise. */
export async function confirmEmail(ctx: ServiceContext, input: ConfirmEmailInput): Promise<{ email: string }> {
  const answered = await answerChallenge(ctx, "verify_email", input.email, input.code);
  await transact(ctx, async (tx) => {
    const now = ctx.now();
    await consumeChallenge(tx.db, answered.challengeId, now);
    const { count } = await tx.db.user.updateMany({
      where: { id: answered.userId, emailVerifiedAt: null },
      data: { emailVerifiedAt: now },
    });
    if (count !== 1) throw new AppError("CODE_EXPIRED", "This address is confirmed already. Sign in.");
    await openSide(tx.db, answered.userId, now);
    await tx.audit({ action: "auth.confirm_email", subjectId: answered.userId });
  });
  return { email: input.email };
}

/** The row that the account's role needs: a client to buy traffic, an operator to earn. */
async function openSide(db: DatabaseTransaction, userId: string, now: Date): Promise<void> {
  const user = await db.user.findUniqueOrThrow({ where: { id: userId }, select: { role: true } });
  switch (user.role) {
    case "client":
      await db.client.create({ data: { id: newId("cli", now.getTime()), userId, createdAt: now }, select: { id: true } });
      return;
    case "operator":
      await db.operator.create({ data: { id: newId("opr", now.getTime()), userId, createdAt: now }, select: { id: true } });
      return;
    case "admin":
      return;
  }
}
