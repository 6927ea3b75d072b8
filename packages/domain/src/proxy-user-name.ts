/** What a proxy user may be called: nothing that a username of another vendor's form begins with. */

/** First words of the forms that `packages/wire/src/username` reads, and of one more that is kept free. */
export const reservedUsers: ReadonlySet<string> = new Set([
  "brd",
  "lum",
  "customer",
  "user",
  "package",
  "auto",
  "groups",
  "session",
  "country",
]);
const pattern = /^[a-z0-9]{4,32}$/;

/** 4 to 32 of a-z 0-9 and no reserved word. */
export function isProxyUser(text: string): boolean {
  return pattern.test(text) && !reservedUsers.has(text);
}
