import { AppError, newId } from "@karvon/domain";
import { requireSystem } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { Email } from "../inputs/common.ts";
import { transact } from "../transaction.ts";

export interface CreateAdminInput {
  readonly email: string;
  readonly displayName?: string;
  readonly isDemo?: boolean;
}

/**
 * Makes an admin, who signs in with mailed codes. Only Karvon itself may (launcher, CLI on the server). Calling it
 * again changes nothing. INPUT_INVALID for an address that we cannot write to; EMAIL_TAKEN when a client or operator has it.
 */
export async function createAdmin(ctx: ServiceContext, input: CreateAdminInput): Promise<{ id: string; email: string; isNew: boolean }> {
  requireSystem(ctx);
  const email = Email.safeParse(input.email).data;
  if (email === undefined) throw new AppError("INPUT_INVALID", `${input.email} is not an e-mail address that we can write to.`);
  const known = await ctx.database.user.findUnique({ where: { email }, select: { id: true, role: true } });
  if (known !== null && known.role !== "admin") throw new AppError("EMAIL_TAKEN", `${email} belongs to an account of another role.`);
  if (known !== null) return { id: known.id, email, isNew: false };
  const id = newId("usr", ctx.now().getTime());
  await transact(ctx, async (tx) => {
    await tx.db.user.create({
      data: {
        id,
        email,
        role: "admin",
        displayName: input.displayName ?? null,
        isDemo: input.isDemo ?? false,
        emailVerifiedAt: ctx.now(),
        createdAt: ctx.now(),
      },
      select: { id: true },
    });
    await tx.audit({ action: "admin.create", subjectId: id, detail: { email } });
  });
  return { id, email, isNew: true };
}
