/**
 * The username of a proxy user with what it asks for: `demo-country-uz.kz-type-mobile-session-cart1-ttl-30m`.
 *
 * Nothing is ever ignored: an unknown key, an empty value, a key given twice or a contradiction is `bad_username` and
 * names the part. Whether the user exists and what its password is, is decided elsewhere.
 * The forms of other vendors are recognised by how they begin; each is one more dialect in the list below and ends in
 * the same target. Today there is the native one.
 *
 * Limits: 255 bytes (RFC 1929), printable ASCII.
 */
import { type Ask, emptyAsk, type Refusal, refuse } from "@karvon/domain";
import { type MutableAsk, quoted, usernameKeys } from "./keys.ts";

export interface ProxyTarget {
  readonly kind: "target";
  readonly dialect: "native";
  readonly user: string;
  readonly ask: Ask;
}

interface Dialect {
  readonly isSpokenBy: (text: string) => boolean;
  readonly read: (text: string) => ProxyTarget | Refusal;
}

/** First match wins; the native dialect takes what is left. */
const dialects: readonly Dialect[] = [{ isSpokenBy: () => true, read: readNative }];

/** Words that other dialects begin with, so no proxy user has such a name. */
export const reservedUsers: ReadonlySet<string> = new Set([
  "user",
  "customer",
  "package",
  "brd",
  "lum",
  "auto",
  "groups",
  "session",
  "country",
]);
const userPattern = /^[a-z0-9]{4,32}$/;

/** Whether a proxy user may be called this. */
export function isProxyUser(text: string): boolean {
  return userPattern.test(text) && !reservedUsers.has(text);
}

export function readProxyUsername(text: string): ProxyTarget | Refusal {
  if (text === "") return refuse("bad_username", "the username is empty");
  if (text.length > 255) return refuse("bad_username", "the username is longer than 255 bytes");
  if (!/^[\x20-\x7e]+$/.test(text)) return refuse("bad_username", "the username holds characters other than printable ASCII");
  const dialect = dialects.find((candidate) => candidate.isSpokenBy(text));
  return dialect === undefined ? refuse("bad_username", "the username has no known form") : dialect.read(text);
}

function readNative(text: string): ProxyTarget | Refusal {
  const [user = "", ...tokens] = text.split("-");
  if (reservedUsers.has(user)) return refuse("bad_username", `${quoted(user)} is a reserved word and no proxy user`);
  if (!userPattern.test(user)) return refuse("bad_username", `the user ${quoted(user)} is not 4 to 32 of a-z 0-9`);
  const ask: MutableAsk = { ...emptyAsk };
  const problem = readTokens(tokens, ask) ?? findContradiction(ask);
  if (problem !== null) return refuse("bad_username", problem);
  return { kind: "target", dialect: "native", user, ask };
}

/** Puts keys and values into `ask`; the first problem in words, or null. */
function readTokens(tokens: readonly string[], ask: MutableAsk): string | null {
  const given = new Set<string>();
  let hasRotate = false;
  let at = 0;
  while (at < tokens.length) {
    const word = tokens[at] ?? "";
    const key = usernameKeys.get(word.toLowerCase());
    if (isFlag(word)) {
      if (hasRotate) return "rotate is given twice";
      hasRotate = true;
      at += 1;
      continue;
    }
    if (key === undefined) return word === "" ? "a key is empty" : `unknown key ${quoted(word)}`;
    if (given.has(key.name)) return `${quoted(word)} is given twice`;
    given.add(key.name);
    const end = key.isWide === true ? endOfWideValue(tokens, at + 2) : at + 2;
    const value = tokens.slice(at + 1, end).join("-");
    if (value === "") return `the value of ${quoted(word)} is empty`;
    const problem = key.put(ask, value);
    if (problem !== null) return problem;
    at = end;
  }
  ask.rotate = hasRotate || ask.session === null;
  return null;
}

/** At least one token belongs to a value, even one that looks like a key; then it runs to the next known word. */
function endOfWideValue(tokens: readonly string[], from: number): number {
  let end = from;
  while (end < tokens.length && !isKnownWord(tokens[end] ?? "")) end += 1;
  return end;
}

function isKnownWord(word: string): boolean {
  return isFlag(word) || usernameKeys.has(word.toLowerCase());
}

function isFlag(word: string): boolean {
  return word.toLowerCase() === "rotate";
}

function findContradiction(ask: Ask): string | null {
  if (ask.session !== null && ask.rotate) return '"rotate" and a session contradict each other';
  for (const place of ["state", "city"] as const) {
    if (ask[place] !== null && ask.countries.length !== 1) return `${quoted(place)} needs exactly one country`;
  }
  return null;
}
