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
  "bat", // payouts sent together
  "cor", // correction
  "xrt", // exchange rate
  "ses", // proxy session, and the request id in its answers
  "blk", // block rule
  "abr", // abuse report
  "gwy", // gateway
] as const;
export type IdPrefix = (typeof idPrefixes)[number];

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const letterCodes = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0));
const timeLength = 10;
const randomLength = 16;
const tailLength = timeLength + randomLength;
const pattern = /^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/;

// Ids are made for every request: random bytes come in blocks, and the text is built in one piece.
const randomBlock = new Uint8Array(4096);
let randomUsed = randomBlock.length;
const tail = Array.from({ length: tailLength }, () => 0);

/** A new id of the kind that `prefix` names. Random bits come from the platform's CSPRNG. */
export function newId<P extends IdPrefix>(prefix: P, nowMs: number = Date.now()): Id<P> {
  if (randomUsed + randomLength > randomBlock.length) {
    crypto.getRandomValues(randomBlock);
    randomUsed = 0;
  }
  let time = nowMs;
  for (let at = timeLength - 1; at >= 0; at -= 1) {
    tail[at] = letterCodes[time % 32] ?? 0;
    time = Math.floor(time / 32);
  }
  for (let at = 0; at < randomLength; at += 1) tail[timeLength + at] = letterCodes[(randomBlock[randomUsed + at] ?? 0) & 31] ?? 0;
  // A byte is used once, then gone: an id must not be guessable from memory that stays around.
  randomBlock.fill(0, randomUsed, randomUsed + randomLength);
  randomUsed += randomLength;
  return `${prefix}_${String.fromCharCode(...tail)}` as Id<P>;
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
