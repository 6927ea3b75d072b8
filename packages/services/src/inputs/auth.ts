import { z } from "zod";
import { Email, idOf, MailedCode, NewPassword, passwordLengthMax } from "./common.ts";

export const SignUpInput = z.strictObject({
  email: Email,
  password: NewPassword,
  role: z.enum(["client", "operator"]),
  displayName: z.string().trim().max(80).optional(),
});
export type SignUpInput = z.infer<typeof SignUpInput>;

export const ConfirmEmailInput = z.strictObject({ email: Email, code: MailedCode });
export type ConfirmEmailInput = z.infer<typeof ConfirmEmailInput>;

export const EmailInput = z.strictObject({ email: Email });
export type EmailInput = z.infer<typeof EmailInput>;

/** A password that exists already is only bounded, so that an older rule never locks anybody out. */
export const PasswordSignInInput = z.strictObject({ email: Email, password: z.string().min(1).max(passwordLengthMax) });
export type PasswordSignInInput = z.infer<typeof PasswordSignInInput>;

export const AdminCodeSignInInput = z.strictObject({ email: Email, code: MailedCode });
export type AdminCodeSignInInput = z.infer<typeof AdminCodeSignInInput>;

export const RevokeSessionInput = z.strictObject({ id: idOf("sis") });
export type RevokeSessionInput = z.infer<typeof RevokeSessionInput>;
