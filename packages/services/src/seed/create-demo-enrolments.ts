import { invariant, newId } from "@karvon/domain";
import { enrolmentTtlMs, makeEnrolmentCode } from "@karvon/security";
import { requireSystem } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { transact } from "../transaction.ts";

const countMax = 100;

/** Codes for the demo fleet: the nodes that join with them are marked as demo. Good for 10 minutes each. */
export async function createDemoEnrolments(
  ctx: ServiceContext,
  input: { readonly operatorId: string; readonly labels: readonly string[] },
): Promise<string[]> {
  requireSystem(ctx);
  invariant(input.labels.length <= countMax, `a demo fleet has at most ${countMax} nodes`);
  const { tunnelHost, tunnelPort, tunnelSpkiPin } = ctx.network;
  const now = ctx.now();
  const made = input.labels.map((label) => ({
    label,
    ...makeEnrolmentCode({ host: tunnelHost, port: tunnelPort, spkiPin: tunnelSpkiPin }),
  }));
  await transact(ctx, async (tx) => {
    await tx.db.enrolmentToken.createMany({
      data: made.map(({ label, tokenHash }) => ({
        id: newId("enr", now.getTime()),
        operatorId: input.operatorId,
        label,
        tokenHash: new Uint8Array(tokenHash),
        isDemo: true,
        createdAt: now,
        expiresAt: new Date(now.getTime() + enrolmentTtlMs),
      })),
    });
    await tx.audit({ action: "demo.create_enrolments", subjectId: input.operatorId, detail: { count: made.length } });
  });
  return made.map(({ code }) => code);
}
