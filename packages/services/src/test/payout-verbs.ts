/** The verbs of payouts, for the four standard tests of every write. */
import { newId } from "@karvon/domain";
import { checkPayout } from "../admin/check-payout.ts";
import { sendPayouts } from "../admin/send-payouts.ts";
import { confirmPayouts, failPayout } from "../admin/settle-payouts.ts";
import { cancelPayout } from "../operator/cancel-payout.ts";
import { requestPayout } from "../operator/request-payout.ts";
import type { TestPanel } from "./open-panel.ts";
import type { Owner, WriteVerb } from "./write-verb.ts";

export function payoutVerbs(panel: () => TestPanel): WriteVerb[] {
  const payoutWish = () => ({
    amountUsd: "10",
    method: "iban" as const,
    destination: "DE89370400440532013000",
    holderName: "Ann Operator",
    idempotencyKey: newId("pyt"),
  });
  const earned = async (operatorId: string): Promise<string> => {
    await panel().fixtures.earn(operatorId, 10_000_000n);
    return operatorId;
  };
  /** A payout of that operator, as far on its way as it says. */
  const payoutOf = async ({ operatorId, userId }: Owner, state: "requested" | "checked" | "sent" = "requested"): Promise<string> => {
    const operator = operatorId === undefined ? await panel().operator() : { kind: "operator" as const, operatorId, userId, sessionId: "" };
    await earned(operator.operatorId);
    const { id } = await requestPayout(panel().ctx(operator), payoutWish());
    if (state !== "requested") await checkPayout(panel().ctx(await panel().admin()), { id });
    if (state === "sent") await sendPayouts(panel().ctx(await panel().admin()), { ids: [id] });
    return id;
  };
  const payoutStatus = async (id: string) =>
    (await panel().database.payout.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;
  return [
    {
      name: "requestPayout",
      role: "operator",
      isTenantBound: false,
      makeSubject: ({ operatorId = "" }) => earned(operatorId),
      run: (ctx) => requestPayout(ctx, payoutWish()),
      verify: async (operatorId) => (await panel().database.payout.findMany({ where: { operatorId }, select: { status: true } })).length,
      expected: 1,
    },
    {
      name: "cancelPayout",
      role: "operator",
      isTenantBound: true,
      makeSubject: (owner) => payoutOf(owner),
      run: (ctx, id) => cancelPayout(ctx, { id }),
      verify: payoutStatus,
      expected: "failed",
    },
    {
      name: "checkPayout",
      role: "admin",
      isTenantBound: false,
      makeSubject: () => payoutOf({ userId: "" }),
      run: (ctx, id) => checkPayout(ctx, { id }),
      verify: payoutStatus,
      expected: "checked",
    },
    {
      name: "sendPayouts",
      role: "admin",
      isTenantBound: false,
      makeSubject: () => payoutOf({ userId: "" }, "checked"),
      run: (ctx, id) => sendPayouts(ctx, { ids: [id] }),
      verify: payoutStatus,
      expected: "sent",
    },
    {
      name: "confirmPayouts",
      role: "admin",
      isTenantBound: false,
      makeSubject: () => payoutOf({ userId: "" }, "sent"),
      run: (ctx, id) => confirmPayouts(ctx, { ids: [id], reference: "statement 1" }),
      verify: payoutStatus,
      expected: "paid",
    },
    {
      name: "failPayout",
      role: "admin",
      isTenantBound: false,
      makeSubject: () => payoutOf({ userId: "" }, "sent"),
      run: (ctx, id) => failPayout(ctx, { id, reason: "because of a test" }),
      verify: payoutStatus,
      expected: "failed",
    },
  ];
}
