import { AppError, dueMicroUsd, invariant, newId, readGb, readUsd } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import { getPrice } from "../client/get-price.ts";
import type { ServiceContext } from "../context.ts";
import { postCorrection, type CorrectionMoney } from "../corrections/post-correction.ts";
import type { ProposeCorrectionInput } from "../inputs/corrections.ts";
import { transact, type Transaction } from "../transaction.ts";
import type { CorrectionStatus } from "../money-views.ts";

export interface ProposedCorrection {
  readonly id: string;
  /** `posted` at once, or `proposed` while it waits for a second admin. */
  readonly status: CorrectionStatus;
}

/**
 * Adds to or takes from one account by new entries. Promotional credit is traffic with its worth at the client's price.
 * Beyond what one admin may post alone within 24 hours it waits for another one.
 *
 * The same key again answers with the same correction. NOT_FOUND for an unknown address, INPUT_INVALID for traffic of an
 * operator, BALANCE_TOO_LOW, IDEMPOTENCY_CONFLICT.
 */
export async function proposeCorrection(ctx: ServiceContext, input: ProposeCorrectionInput): Promise<ProposedCorrection> {
  const { userId } = requireAdmin(ctx);
  const owner = await findOwner(ctx, input.email);
  const wish = { ...owner, kind: input.kind, ...(await amountsOf(ctx, input, owner.clientId)) };
  if (wish.clientId === null && (wish.kind === "promotion" || wish.bytes !== 0n))
    throw new AppError("INPUT_INVALID", "An operator has no traffic: correct its money.");
  return transact(ctx, async (tx) => {
    const now = ctx.now();
    const correction: CorrectionMoney = { id: newId("cor", now.getTime()), ...wish };
    const count = await tx.db.$executeRaw`
      insert into ledger_correction (id, kind, client_id, operator_id, bytes, micro_usd, reason, idempotency_key, proposed_by, created_at)
      values (${correction.id}, ${wish.kind}::"CorrectionKind", ${wish.clientId}, ${wish.operatorId}, ${wish.bytes}, ${wish.microUsd},
        ${input.reason}, ${input.idempotencyKey}, ${userId}, ${now})
      on conflict (proposed_by, idempotency_key) do nothing`;
    if (count === 0) return findEarlier(tx, userId, input, wish);
    const status = (await needsTwo(tx, userId, correction)) ? "proposed" : "posted";
    if (status === "posted") {
      await postCorrection(tx, correction, userId);
      const data = { status, decidedBy: userId, decidedAt: now } as const;
      await tx.db.correction.update({ where: { id: correction.id }, data, select: { id: true } });
    }
    const detail = { status, kind: wish.kind, bytes: wish.bytes.toString(), microUsd: wish.microUsd.toString() };
    await tx.audit({ action: "correction.propose", subjectId: correction.id, reason: input.reason, detail });
    if (status === "posted" && wish.clientId !== null) await tx.notify({ kind: "client", id: wish.clientId });
    return { id: correction.id, status };
  });
}

type Owner = Pick<CorrectionMoney, "clientId" | "operatorId">;
type Amounts = Pick<CorrectionMoney, "bytes" | "microUsd">;

async function findOwner(ctx: ServiceContext, email: string): Promise<Owner> {
  const select = { client: { select: { id: true } }, operator: { select: { id: true } } } as const;
  const user = await ctx.database.user.findUnique({ where: { email }, select });
  const owner = { clientId: user?.client?.id ?? null, operatorId: user?.operator?.id ?? null };
  if (owner.clientId === null && owner.operatorId === null)
    throw new AppError("NOT_FOUND", "There is no client or operator with this address.");
  return owner;
}

async function amountsOf(ctx: ServiceContext, input: ProposeCorrectionInput, clientId: string | null): Promise<Amounts> {
  const bytes = input.gigabytes === "" ? 0n : readGb(input.gigabytes);
  const typed = input.amountUsd === "" ? 0n : readUsd(input.amountUsd);
  invariant(bytes !== null && typed !== null, "inputs let through numbers only");
  if (input.kind === "correction" || clientId === null) return { bytes, microUsd: typed };
  const price = await getPrice(ctx, clientId, ctx.now());
  return { bytes, microUsd: dueMicroUsd(bytes, price.picoUsdPerByte) };
}

/** The same rule that the row's trigger keeps. */
async function needsTwo(tx: Transaction, userId: string, { bytes, microUsd }: Amounts): Promise<boolean> {
  const [row] = await tx.db.$queryRaw<{ needed: boolean }[]>`select correction_needs_two(${userId}, ${bytes}, ${microUsd}) as needed`;
  return row?.needed ?? true;
}

async function findEarlier(tx: Transaction, userId: string, input: ProposeCorrectionInput, wish: Owner & Amounts & { kind: string }) {
  const known = await tx.db.correction.findUniqueOrThrow({
    where: { proposedBy_idempotencyKey: { proposedBy: userId, idempotencyKey: input.idempotencyKey } },
    select: { id: true, status: true, kind: true, clientId: true, operatorId: true, bytes: true, microUsd: true, reason: true },
  });
  const isSame =
    known.kind === wish.kind &&
    known.clientId === wish.clientId &&
    known.operatorId === wish.operatorId &&
    known.bytes === wish.bytes &&
    (wish.kind === "promotion" || known.microUsd === wish.microUsd) &&
    known.reason === input.reason;
  if (!isSame) throw new AppError("IDEMPOTENCY_CONFLICT", "This correction was proposed with other words. Start a new one.");
  return { id: known.id, status: known.status };
}
