/**
 * Ids: a three-letter prefix that says what it names, and 26 characters that sort by time.
 *
 * The tail is a ULID (48 bits of milliseconds, 80 random bits) in lower-case Crockford base32, so ids of one
 * kind sort by creation, fit in a URL and in a log line, and can be read aloud.
 * Source: github.com/ulid/spec.
 */
declare const brand: unique symbol;
type Id<Prefix extends string> = string & { readonly [brand]: Prefix };

export type UserId = Id<"usr">;
export type ClientId = Id<"cli">;
export type ProxyUserId = Id<"pxu">;
export type OperatorId = Id<"opr">;
export type NodeId = Id<"nod">;
export type SessionId = Id<"ses">;
export type PriceId = Id<"prc">;
export type OrderId = Id<"ord">;

/** Every prefix there is; a new kind of row adds its own. */
export const idPrefixes = [
  "usr", // user account
  "sis", // sign-in session
  "otp", // mailed code
  "cli", // client
  "pxu", // proxy user
  "alw", // allowlist entry
  "opr", // operator
  "nod", // node
  "key", // node key
  "enr", // enrolment token
  "cns", // consent receipt
  "ipa", // IP assessment
  "prc", // price
  "ord", // order
  "pay", // payment
  "pyt", // payout
  "ses", // proxy session, and the request id in its answers
  "blk", // block rule
  "abr", // abuse report
  "gwy", // gateway
] as const;
export type IdPrefix = (typeof idPrefixes)[number];

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const tailLength = 26;
const pattern = /^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/;

/** A new id of the kind that `prefix` names. Random bits come from the platform's CSPRNG. */
export function newId<P extends IdPrefix>(prefix: P, nowMs: number = Date.now()): Id<P> {
  const random = crypto.getRandomValues(new Uint8Array(16));
  let tail = "";
  let time = nowMs;
  for (let i = 0; i < 10; i += 1) {
    tail = alphabet.charAt(time % 32) + tail;
    time = Math.floor(time / 32);
  }
  for (const byte of random) tail += alphabet.charAt(byte & 31);
  return `${prefix}_${tail}` as Id<P>;
}

/** Whether `text` has the shape of an id of that kind. It says nothing about whether the row exists. */
export function isId<P extends IdPrefix>(prefix: P, text: string): text is Id<P> {
  return text.length === prefix.length + 1 + tailLength && text.startsWith(`${prefix}_`) && pattern.test(text);
}

/** The millisecond in which an id was made. */
export function idTimeMs(id: string): number {
  let time = 0;
  for (const character of id.slice(4, 14)) time = time * 32 + alphabet.indexOf(character);
  return time;
}
