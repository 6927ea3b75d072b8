import { isoCountries } from "@karvon/domain";
import { z } from "zod";
import { idOf, Reason, ReasonedIdInput } from "./common.ts";

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
