import { z } from "zod";
import { Email, idOf, pageFields, Reason, ReasonedIdInput } from "./common.ts";

const Signed = (pattern: RegExp, message: string) => z.string().trim().regex(pattern, message);

const isZero = (text: string): boolean => !/[1-9]/.test(text);

export const ProposeCorrectionInput = z
  .strictObject({
    /** Of the client or operator. */
    email: Email,
    kind: z.enum(["correction", "promotion"]),
    /** Below zero takes; empty is none. */
    gigabytes: Signed(/^(-?\d{1,7}(\.\d{1,9})?)?$/, "Gigabytes with at most nine decimals, for example -0.5."),
    amountUsd: Signed(/^(-?\d{1,9}(\.\d{1,6})?)?$/, "Dollars with at most six decimals, for example -12.50."),
    reason: Reason,
    /** Made by the admin once per correction: the same key is the same correction, for ever. */
    idempotencyKey: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, "The key has 8 to 64 letters, digits, - or _."),
  })
  .superRefine((input, ctx) => {
    const say = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message });
    if (input.kind === "promotion") {
      if (isZero(input.gigabytes) || input.gigabytes.startsWith("-")) say("gigabytes", "Credit is an amount of traffic above zero.");
      if (input.amountUsd !== "") say("amountUsd", "The worth of credit follows from the client's price.");
    } else if (isZero(input.gigabytes) && isZero(input.amountUsd)) say("amountUsd", "Say how much.");
  });
export type ProposeCorrectionInput = z.infer<typeof ProposeCorrectionInput>;

export const CorrectionIdInput = z.strictObject({ id: idOf("cor") });
export type CorrectionIdInput = z.infer<typeof CorrectionIdInput>;
export const RejectCorrectionInput = ReasonedIdInput("cor");

export const CorrectionsInput = z.strictObject({ ...pageFields, status: z.enum(["proposed", "posted", "rejected"]).optional() });
export type CorrectionsInput = z.infer<typeof CorrectionsInput>;
