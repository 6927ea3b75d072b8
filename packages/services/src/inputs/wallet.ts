/** The pay-as-you-go wallet. */
import { microPerUsd, readUsd } from "@karvon/domain";
import { z } from "zod";
import { purchaseFields } from "./client.ts";

export const topUpUsdMin = 1;
export const topUpUsdMax = 10_000;

const amountGrammar = /^\d{1,9}(\.\d{1,2})?$/;
const isBetween = (text: string, min: number, max: number): boolean => {
  const amount = readUsd(text) ?? -1n;
  return amount >= BigInt(min) * microPerUsd && amount <= BigInt(max) * microPerUsd;
};

export const TopUpWalletInput = z.strictObject({
  usd: z
    .string()
    .trim()
    .regex(amountGrammar, "An amount in dollars, for example 25.00.")
    .refine((text) => isBetween(text, topUpUsdMin, topUpUsdMax), "From 1 to 10,000 dollars at once."),
  ...purchaseFields,
});
export type TopUpWalletInput = z.infer<typeof TopUpWalletInput>;

export const SetWalletInput = z.strictObject({
  isOn: z.boolean(),
  /** What may be spent in a calendar month (UTC); null is no cap. */
  capUsd: z.string().trim().regex(amountGrammar, "An amount in dollars, for example 100.00.").nullable(),
});
export type SetWalletInput = z.infer<typeof SetWalletInput>;
