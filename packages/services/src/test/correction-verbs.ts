/** The verbs of corrections, for the four standard tests of every write. */
import { newId } from "@karvon/domain";
import { approveCorrection, rejectCorrection } from "../admin/decide-correction.ts";
import { proposeCorrection } from "../admin/propose-correction.ts";
import type { TestPanel } from "./open-panel.ts";
import type { WriteVerb } from "./write-verb.ts";

export function correctionVerbs(panel: () => TestPanel): WriteVerb[] {
  const reason = "because of a test";
  const wish = (email: string, gigabytes: string) => ({
    email,
    kind: "correction" as const,
    gigabytes,
    amountUsd: "",
    reason,
    idempotencyKey: newId("cor"),
  });
  const proposed = async (): Promise<string> => {
    const { email } = await panel().client();
    return (await proposeCorrection(panel().ctx(await panel().admin()), wish(email, "21"))).id;
  };
  const statusOf = async (id: string) =>
    (await panel().database.correction.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;
  return [
    {
      name: "proposeCorrection",
      role: "admin",
      isTenantBound: false,
      makeSubject: async () => (await panel().client()).email,
      run: (ctx, email) => proposeCorrection(ctx, wish(email, "1")),
    },
    {
      name: "approveCorrection",
      role: "admin",
      isTenantBound: false,
      makeSubject: proposed,
      run: (ctx, id) => approveCorrection(ctx, { id }),
      verify: statusOf,
      expected: "posted",
    },
    {
      name: "rejectCorrection",
      role: "admin",
      isTenantBound: false,
      makeSubject: proposed,
      run: (ctx, id) => rejectCorrection(ctx, { id, reason }),
      verify: statusOf,
      expected: "rejected",
    },
  ];
}
