/** What operators ask to be paid, and what staff does with it. */
import { payoutMethods, payoutMicroUsdMin, readPayoutDestination, readUsd, microPerUsd } from "@karvon/domain";
import { z } from "zod";
import { idOf, pageFields, ReasonedIdInput } from "./common.ts";

/** Payouts that one step takes at most. */
export const payoutBatchMax = 50;

const Amount = z
  .string()
  .trim()
  .regex(/^\d{1,9}(\.\d{1,2})?$/, "An amount in dollars, for example 25.00.")
  .refine((text) => (readUsd(text) ?? 0n) >= payoutMicroUsdMin, `The least amount is ${payoutMicroUsdMin / microPerUsd} USD.`);

export const RequestPayoutInput = z
  .strictObject({
    amountUsd: Amount,
    method: z.enum(payoutMethods),
    destination: z.string().trim().min(1, "Where the money goes.").max(64),
    holderName: z.string().trim().min(3, "The holder's name as the bank knows it.").max(140),
    /** Made by the operator once per payout: the same key is the same payout, for ever. */
    idempotencyKey: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, "The key has 8 to 64 letters, digits, - or _."),
  })
  .transform((input, ctx) => {
    const destination = readPayoutDestination(input.method, input.destination);
    if (destination !== null) return { ...input, destination };
    const message =
      input.method === "iban"
        ? "This is not an IBAN: a character is missing or wrong."
        : "The 20 digits of the account, a slash, and the 5 digits of the bank.";
    ctx.addIssue({ code: "custom", path: ["destination"], message });
    return z.NEVER;
  });
export type RequestPayoutInput = z.infer<typeof RequestPayoutInput>;

export const PayoutIdInput = z.strictObject({ id: idOf("pyt") });
export type PayoutIdInput = z.infer<typeof PayoutIdInput>;

export const AdminPayoutsInput = z.strictObject({
  ...pageFields,
  status: z.enum(["requested", "checked", "sent", "paid", "failed"]).optional(),
});
export type AdminPayoutsInput = z.infer<typeof AdminPayoutsInput>;

const Ids = z
  .array(idOf("pyt"))
  .min(1)
  .max(payoutBatchMax, `At most ${payoutBatchMax} at once.`)
  .refine((ids) => new Set(ids).size === ids.length, "Each payout once.");

export const PayoutIdsInput = z.strictObject({ ids: Ids });
export type PayoutIdsInput = z.infer<typeof PayoutIdsInput>;

export const ConfirmPayoutsInput = z.strictObject({
  ids: Ids,
  reference: z.string().trim().min(3, "Copy the reference from the bank statement.").max(120),
});
export type ConfirmPayoutsInput = z.infer<typeof ConfirmPayoutsInput>;

export const FailPayoutInput = ReasonedIdInput("pyt");
