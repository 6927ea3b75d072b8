/**
 * The words that all inputs share. Browser-safe: zod and the domain only.
 *
 * Every object is strict: an unknown key is refused, never ignored.
 */
import { isId, type IdPrefix } from "@karvon/domain";
import { z } from "zod";

/** The request header that every call from the panels carries: a form or an image on another site cannot send it. */
export const panelRequestHeader = { name: "x-karvon-request", value: "panel" } as const;

export const pageSizeMax = 100;
export const pageSizeDefault = 50;

// Local part and labels are plain ASCII without quotes, commas, blanks or angle brackets, so that an address is
// always one address whatever a mail library thinks of RFC 5321's quoted forms.
const emailGrammar = /^[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
const localPartMax = 64;

export const Email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, "An e-mail address has at most 254 characters.")
  .refine((text) => emailGrammar.test(text) && text.indexOf("@") <= localPartMax, "This is not an e-mail address that we can write to.");

export const passwordLengthMin = 10;
export const passwordLengthMax = 128;
export const NewPassword = z
  .string()
  .min(passwordLengthMin, `A password has at least ${passwordLengthMin} characters.`)
  .max(passwordLengthMax, `A password has at most ${passwordLengthMax} characters.`);

/** The eight digits of a mailed code; blanks between them are forgiven. */
export const MailedCode = z
  .string()
  .max(32, "The code has eight digits.")
  .transform((text) => text.replaceAll(/[\s-]/g, ""))
  .refine((text) => /^\d{8}$/.test(text), "The code has eight digits.");

export function idOf(prefix: IdPrefix) {
  return z.string().refine((text): boolean => isId(prefix, text), "This is not an id of the right kind.");
}

export const Reason = z.string().trim().min(3, "Say why, in at least three letters.").max(500);
export const OptionalReason = z.string().trim().max(500).optional();
export const Label = z.string().trim().min(1).max(80);
export const Search = z.string().trim().max(200).optional();

export const pageFields = {
  cursor: z.string().max(200).optional(),
  limit: z.int().min(1).max(pageSizeMax).optional(),
  // tRPC's infinite queries always say it; lists are read forward only.
  direction: z.literal("forward").optional(),
};
export const PageInput = z.strictObject(pageFields);
export const SearchPageInput = z.strictObject({ ...pageFields, search: Search });
export type PageInput = z.infer<typeof PageInput>;
export type SearchPageInput = z.infer<typeof SearchPageInput>;

export const SessionIdInput = z.strictObject({ id: idOf("ses") });
export type SessionIdInput = z.infer<typeof SessionIdInput>;

export const ReasonedIdInput = (prefix: IdPrefix) => z.strictObject({ id: idOf(prefix), reason: Reason });
export interface ReasonedId {
  readonly id: string;
  readonly reason: string;
}
