import { AppError, newId } from "@karvon/domain";
import { enrolmentTtlMs, makeEnrolmentCode } from "@karvon/security";
import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { CreateEnrolmentInput } from "../inputs/operator.ts";
import { transact } from "../transaction.ts";
import type { EnrolmentCodeView } from "../views.ts";

/** Codes of one operator that are neither used nor expired. */
export const openEnrolmentsMax = 100;

/** Makes a code with which one device joins the fleet within 10 minutes. It is shown once. LIMIT_EXCEEDED at 100 open codes. */
export async function createEnrolmentCode(ctx: ServiceContext, input: CreateEnrolmentInput): Promise<EnrolmentCodeView> {
  const { operatorId } = requireOperator(ctx);
  const { tunnelHost, tunnelPort, tunnelSpkiPin } = ctx.network;
  const made = makeEnrolmentCode({ host: tunnelHost, port: tunnelPort, spkiPin: tunnelSpkiPin });
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + enrolmentTtlMs);
  await transact(ctx, async (tx) => {
    const open = await tx.db.enrolmentToken.count({ where: { operatorId, usedAt: null, expiresAt: { gt: now } } });
    if (open >= openEnrolmentsMax) throw new AppError("LIMIT_EXCEEDED", `At most ${openEnrolmentsMax} codes can be open at once.`);
    const id = newId("enr", now.getTime());
    await tx.db.enrolmentToken.create({
      data: { id, operatorId, label: input.label ?? null, tokenHash: new Uint8Array(made.tokenHash), createdAt: now, expiresAt },
      select: { id: true },
    });
    await tx.audit({ action: "enrolment.create", subjectId: id, detail: { label: input.label ?? null } });
  });
  return { code: made.code, command: `npx karvon-agent enroll ${made.code}`, expiresAt };
}
