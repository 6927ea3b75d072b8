/**
 * What gateway processes write to each other about named sessions and uniq groups: questions to the leader and its
 * answers, what connections do, and the book itself.
 *
 * Limits: 500 names, uses or held sessions a letter; 250 countries and 3 nodes tried a question.
 */
import { type Ask, type ConnectionType, PROXY_ERRORS, type ProxyErrorCode, type Widening } from "@karvon/domain";
import type { StickySession } from "../router/sticky-sessions.ts";
import { type Fields, isCount, isFlag, isMaybe, isObject, isText, readList, readText } from "./read-fields.ts";

export interface NameQuestion {
  readonly proxyUserId: string;
  readonly requestId: string;
  readonly ask: Ask;
  readonly triedIds: readonly string[];
}

export type NameAnswer =
  | { readonly kind: "exit"; readonly name: StickySession; readonly isChanged: boolean }
  | { readonly kind: "refused"; readonly code: ProxyErrorCode; readonly detail: string }
  /** The process that was asked does not lead any more. */
  | { readonly kind: "elsewhere" };

export type UseKind = "opened" | "closed" | "dropped";
export type Use = readonly [id: string, kind: UseKind, bytes: number];
/** A session and how many connections the writer has open in it. */
export type Held = readonly [name: StickySession, count: number];

export type NameLetter =
  | { readonly kind: "ask"; readonly number: number; readonly question: NameQuestion }
  | { readonly kind: "answer"; readonly number: number; readonly answer: NameAnswer }
  | { readonly kind: "uses"; readonly uses: readonly Use[] }
  /** To a leader that is new. */
  | { readonly kind: "held"; readonly held: readonly Held[] }
  /** The leader's book. `isWhole`: all of it has been told now. */
  | { readonly kind: "names"; readonly names: readonly StickySession[]; readonly dropped: readonly string[]; readonly isWhole: boolean };

export const namesPerLetterMax = 500;
const countriesMax = 250;
const triedMax = 3;
const detailMax = 1_000;

export function readNameLetter(letter: Fields): NameLetter | null {
  switch (letter["kind"]) {
    case "ask":
    case "answer":
      return readExchange(letter);
    case "uses": {
      const uses = readList(letter["uses"], namesPerLetterMax, readUse);
      return uses === null ? null : { kind: "uses", uses };
    }
    case "held": {
      const held = readList(letter["held"], namesPerLetterMax, readHeld);
      return held === null ? null : { kind: "held", held };
    }
    case "names":
      return readNames(letter);
    default:
      return null;
  }
}

function readExchange({ kind, number, ...letter }: Fields): NameLetter | null {
  if (!isCount(number)) return null;
  if (kind === "ask") {
    const question = readQuestion(letter["question"]);
    return question === null ? null : { kind, number, question };
  }
  const answer = readAnswer(letter["answer"]);
  return answer === null ? null : { kind: "answer", number, answer };
}

function readNames(letter: Fields): NameLetter | null {
  const { isWhole } = letter;
  const names = readList(letter["names"], namesPerLetterMax, readName);
  const dropped = readList(letter["dropped"], namesPerLetterMax, readText);
  return names === null || dropped === null || !isFlag(isWhole) ? null : { kind: "names", names, dropped, isWhole };
}

function readQuestion(value: unknown): NameQuestion | null {
  if (!isObject(value)) return null;
  const { proxyUserId, requestId } = value;
  const triedIds = readList(value["triedIds"], triedMax, readText);
  const ask = isObject(value["ask"]) ? readAsk(value["ask"]) : null;
  if (ask === null || triedIds === null || !isText(proxyUserId) || !isText(requestId)) return null;
  return { proxyUserId, requestId, ask, triedIds };
}

function readAsk(fields: Fields): Ask | null {
  const place = readPlace(fields);
  const stay = readStay(fields);
  const { rotate, tag, maxBytes } = fields;
  if (place === null || stay === null || !isFlag(rotate) || !isMaybeText(tag) || !isMaybe(maxBytes, isCount)) return null;
  return { ...place, ...stay, rotate, tag, maxBytes };
}

function readPlace(fields: Fields): Pick<Ask, "countries" | "state" | "city" | "asn" | "isp" | "carrier" | "type" | "widening"> | null {
  const { state, city, asn, isp, carrier, type, widening } = fields;
  const countries = readList(fields["countries"], countriesMax, readText);
  if (countries === null || !isType(type) || !isWidening(widening) || !isMaybe(asn, isCount)) return null;
  if (!isMaybeText(state) || !isMaybeText(city) || !isMaybeText(isp) || !isMaybeText(carrier)) return null;
  return { countries, state, city, asn, isp, carrier, type, widening };
}

function readStay(fields: Fields): Pick<Ask, "session" | "ttlMs" | "idleMs" | "uniq"> | null {
  const { session, ttlMs, idleMs, uniq } = fields;
  if (!isCount(ttlMs) || !isCount(idleMs) || !isMaybeText(uniq)) return null;
  if (session === null) return { session, ttlMs, idleMs, uniq };
  if (!isObject(session)) return null;
  const { id, isHard } = session;
  return isText(id) && isFlag(isHard) ? { session: { id, isHard }, ttlMs, idleMs, uniq } : null;
}

function readAnswer(value: unknown): NameAnswer | null {
  if (!isObject(value)) return null;
  const { kind, code, detail, isChanged } = value;
  if (kind === "elsewhere") return { kind };
  if (kind === "refused") return isErrorCode(code) && isText(detail, detailMax) ? { kind, code, detail } : null;
  const name = readName(value["name"]);
  return kind === "exit" && name !== null && isFlag(isChanged) ? { kind, name, isChanged } : null;
}

function readName(value: unknown): StickySession | null {
  if (!isObject(value)) return null;
  const { id, key, proxyUserId, nodeId, exitAddress, uniqKey } = value;
  const use = readUseOf(value);
  if (use === null || !isText(id) || !isText(key) || !isText(proxyUserId)) return null;
  if (!isText(nodeId) || !isText(exitAddress) || !isMaybeText(uniqKey)) return null;
  return { id, key, proxyUserId, nodeId, exitAddress, uniqKey, ...use };
}

function readUseOf(fields: Fields): Omit<StickySession, "id" | "key" | "proxyUserId" | "nodeId" | "exitAddress" | "uniqKey"> | null {
  const { expiresAtMs, idleMs, usedAtMs, connectionsOpen, carriedBytes, hasServed, isHard, isLost } = fields;
  if (!isCount(expiresAtMs) || !isCount(idleMs) || !isCount(usedAtMs) || !isCount(connectionsOpen) || !isCount(carriedBytes)) return null;
  return isFlag(hasServed) && isFlag(isHard) && isFlag(isLost)
    ? { expiresAtMs, idleMs, usedAtMs, connectionsOpen, carriedBytes, hasServed, isHard, isLost }
    : null;
}

function readUse(value: unknown): Use | null {
  if (!Array.isArray(value)) return null;
  const [id, kind, bytes]: unknown[] = value;
  return isText(id) && isUseKind(kind) && isCount(bytes) ? [id, kind, bytes] : null;
}

function readHeld(value: unknown): Held | null {
  if (!Array.isArray(value)) return null;
  const [told, count]: unknown[] = value;
  const name = readName(told);
  return name !== null && isCount(count) ? [name, count] : null;
}

function isMaybeText(value: unknown): value is string | null {
  return value === null || isText(value);
}

const types: ReadonlySet<unknown> = new Set(["any", "mobile", "wifi", "residential"] satisfies (ConnectionType | "any")[]);
const widenings: ReadonlySet<unknown> = new Set(["none", "state", "country", "any"] satisfies Widening[]);
const useKinds: ReadonlySet<unknown> = new Set(["opened", "closed", "dropped"] satisfies UseKind[]);

function isType(value: unknown): value is Ask["type"] {
  return types.has(value);
}

function isWidening(value: unknown): value is Widening {
  return widenings.has(value);
}

function isUseKind(value: unknown): value is UseKind {
  return useKinds.has(value);
}

function isErrorCode(value: unknown): value is ProxyErrorCode {
  return typeof value === "string" && Object.hasOwn(PROXY_ERRORS, value);
}
