/** What next-auth's error word means. The words are codes of PANEL_ERRORS; anything else is a failure on our side. */
const sentences: Readonly<Record<string, string>> = {
  SIGN_IN_FAILED: "The e-mail address or the password is wrong.",
  CredentialsSignin: "The e-mail address or the password is wrong.",
  EMAIL_NOT_CONFIRMED: "Confirm your e-mail address first: the code is in the mail that we sent.",
  ACCOUNT_SUSPENDED: "This account is suspended. Write to the network's administrator.",
  CODE_WRONG: "The code is wrong. Look at the newest mail; each new code ends the one before.",
  CODE_EXPIRED: "The code has expired. Ask for a new one.",
  TRIES_EXCEEDED: "Too many tries. Wait a while, then ask for a new code or try again.",
  INPUT_INVALID: "Check what you typed.",
};

export function describeSignInFailure(code: string | null | undefined): string {
  return sentences[code ?? ""] ?? "Signing in failed on our side. Try again.";
}
