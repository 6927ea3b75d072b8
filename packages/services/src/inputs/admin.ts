import { isoCountries } from "@karvon/domain";
import { z } from "zod";
import { idOf, pageFields, Reason, ReasonedIdInput, Search } from "./common.ts";

export const SuspendUserInput = ReasonedIdInput("usr");
export const SuspendNodeInput = ReasonedIdInput("nod");
export const EndSessionInput = ReasonedIdInput("ses");

const Country = z
  .string()
  .trim()
  .toUpperCase()
  .refine((code) => isoCountries.has(code), "A country is its ISO 3166-1 code of two letters.");

export const ClientTermsInput = z.strictObject({
  id: idOf("usr"),
  kyc: z.enum(["not_asked", "required", "verified"]),
  /** None means all. */
  countries: z.array(Country).max(250),
  reason: Reason,
});
export type ClientTermsInput = z.infer<typeof ClientTermsInput>;

export const AdminOrdersInput = z.strictObject({
  ...pageFields,
  status: z.enum(["pending", "paid", "cancelled", "refunded"]).optional(),
  search: Search,
});
export type AdminOrdersInput = z.infer<typeof AdminOrdersInput>;

const Amount = z
  .string()
  .trim()
  .regex(/^\d{1,12}(\.\d{1,2})?$/, "A number with at most two decimals, for example 12650.45.");

export const ConfirmTransferInput = z.strictObject({
  id: idOf("ord"),
  /** What the bank calls the transfer: one transfer pays one order. */
  reference: z.string().trim().min(3, "Copy the reference from the bank statement.").max(120),
  amount: Amount,
  reason: Reason,
});
export type ConfirmTransferInput = z.infer<typeof ConfirmTransferInput>;

export const RefundOrderInput = ReasonedIdInput("ord");
export type RefundOrderInput = z.infer<typeof RefundOrderInput>;

export const ExchangeRateInput = z.strictObject({ currency: z.literal("UZS"), perUsd: Amount, reason: Reason });
export type ExchangeRateInput = z.infer<typeof ExchangeRateInput>;
