import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { postCorrection, type CorrectionMoney } from "../corrections/post-correction.ts";
import type { ReasonedId } from "../inputs/common.ts";
import type { CorrectionIdInput } from "../inputs/corrections.ts";
import { transact, type Transaction } from "../transaction.ts";

/**
 * The second admin posts what the first proposed. SECOND_PERSON_NEEDED for the first one, NOT_FOUND, STATE_CONFLICT,
 * BALANCE_TOO_LOW.
 */
export async function approveCorrection(ctx: ServiceContext, input: CorrectionIdInput): Promise<void> {
  const { userId } = requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    const correction = await decide(tx, input.id, { status: "posted", decidedBy: userId, decidedAt: ctx.now() }, userId);
    await postCorrection(tx, correction, userId);
    await tx.audit({ action: "correction.approve", subjectId: input.id });
    if (correction.clientId !== null) await tx.notify({ kind: "client", id: correction.clientId });
  });
}

/** Ends a proposal, the own one too. NOT_FOUND, STATE_CONFLICT. */
export async function rejectCorrection(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  const { userId } = requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    await decide(tx, input.id, { status: "rejected", decidedBy: userId, decidedAt: ctx.now(), rejection: input.reason }, null);
    await tx.audit({ action: "correction.reject", subjectId: input.id, reason: input.reason });
  });
}

interface Decision {
  readonly status: "posted" | "rejected";
  readonly decidedBy: string;
  readonly decidedAt: Date;
  readonly rejection?: string;
}

/** The row is locked by it, so of two decisions one counts. `notBy` may not have proposed it. */
async function decide(tx: Transaction, id: string, data: Decision, notBy: string | null): Promise<CorrectionMoney> {
  const [correction] = await tx.db.correction.updateManyAndReturn({
    where: { id, status: "proposed", ...(notBy === null ? {} : { proposedBy: { not: notBy } }) },
    data,
    select: { id: true, kind: true, clientId: true, operatorId: true, bytes: true, microUsd: true },
  });
  if (correction !== undefined) return correction;
  const known = await tx.db.correction.findUnique({ where: { id }, select: { status: true } });
  if (known === null) throw new AppError("NOT_FOUND", "There is no such correction.");
  if (known.status !== "proposed") throw new AppError("STATE_CONFLICT", `This correction is ${known.status}.`);
  throw new AppError("SECOND_PERSON_NEEDED", "You proposed this correction: another admin must approve it.");
}
