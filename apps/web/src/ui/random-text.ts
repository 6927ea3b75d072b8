const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";

/** `length` random letters and digits. Works on plain-http addresses too, where `crypto.randomUUID` is missing. */
export function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet.charAt(byte % alphabet.length)).join("");
}
