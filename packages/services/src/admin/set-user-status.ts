import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import { closeSignIns } from "../auth/open-sign-in.ts";
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";
import type { ReasonedId } from "../inputs/common.ts";
import { transact, type Transaction } from "../transaction.ts";
import type { AccountStatus } from "../views.ts";

/**
 * Stops an account at once: its sign-ins end, its proxy users are refused, its nodes leave rotation.
 * NOT_FOUND; STATE_CONFLICT when it is suspended already or is the admin's own.
 */
export function suspendUser(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  return setStatus(ctx, input, "suspended");
}

/** Lets an account work again; whoever it is must sign in anew. NOT_FOUND, or STATE_CONFLICT when it is active. */
export function reinstateUser(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  return setStatus(ctx, input, "active");
}

async function setStatus(ctx: ServiceContext, input: ReasonedId, status: AccountStatus): Promise<void> {
  const admin = requireAdmin(ctx);
  if (input.id === admin.userId) throw new AppError("STATE_CONFLICT", "Nobody suspends or reinstates the own account.");
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.user.updateMany({ where: { id: input.id, status: { not: status } }, data: { status } });
    if (count !== 1) {
      const known = await tx.db.user.findUnique({ where: { id: input.id }, select: { id: true } });
      if (known === null) throw new AppError("NOT_FOUND", "There is no such account.");
      throw new AppError("STATE_CONFLICT", `This account is ${status} already.`);
    }
    const tell = await setSides(tx.db, input.id, status);
    const signInsEnded = status === "suspended" ? await closeSignIns(tx.db, input.id, "account suspended", ctx.now()) : 0;
    const action = status === "suspended" ? "user.suspend" : "user.reinstate";
    await tx.audit({ action, subjectId: input.id, reason: input.reason, detail: { signInsEnded } });
    await tell(tx);
  });
}

/** Changes the client's or operator's side of the account. What it returns tells the gateways, once the audit row stands. */
async function setSides(db: DatabaseTransaction, userId: string, status: AccountStatus): Promise<(tx: Transaction) => Promise<void>> {
  const clients = await db.client.updateManyAndReturn({ where: { userId }, data: { status }, select: { id: true } });
  const operators = await db.operator.updateManyAndReturn({ where: { userId }, data: { status }, select: { id: true } });
  return async (tx) => {
    for (const { id } of clients) await tx.notify({ kind: "client", id });
    for (const { id } of operators) {
      await db.$queryRaw`select count(karvon_notify('node', id))::int from node where operator_id = ${id} and status <> 'retired'`;
    }
  };
}
