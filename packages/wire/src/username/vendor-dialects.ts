/**
 * The username forms of other vendors, so that their customers change only host and credentials.
 *
 * Each is split by what its parts mean and ends in the same ask as the native form; keys have one table for all. The
 * published forms are followed where they can be served: a key of theirs that we do not offer is refused by name.
 */
import { refuse, type Refusal } from "@karvon/domain";
import { type Problem, quoted } from "./keys.ts";
import { ParameterReader, type ReadAsk } from "./read-parameters.ts";

export type VendorName = "brightdata" | "oxylabs" | "decodo" | "soax" | "iproyal" | "dataimpulse";

export interface VendorLogin {
  readonly dialect: VendorName;
  readonly user: string;
  /** The client account that Bright Data's form names beside the user. */
  readonly clientId: string | null;
  readonly wish: ReadAsk | Refusal;
}

/** Words with which a vendor's form begins, up to the first `-`. Each is among `reservedUsers`. */
const byFirstWord: ReadonlyMap<string, (tokens: readonly string[]) => VendorLogin | Refusal> = new Map([
  ["brd", readBrightdata],
  ["lum", readBrightdata],
  ["customer", (tokens) => readPrefixed("oxylabs", tokens)],
  ["user", (tokens) => readPrefixed("decodo", tokens)],
  ["package", (tokens) => readPrefixed("soax", tokens)],
]);

/** What these vendors offer and this network does not: ignoring such a wish would send the request elsewhere than asked. */
const unoffered: ReadonlySet<string> = new Set([
  "zip",
  "postalcode",
  "os",
  "ip",
  "gip",
  "dns",
  "route_err",
  "const",
  "direct",
  "debug",
  "unblocker",
  "streaming",
  "skipispstatic",
  "skipipslist",
  "forcerandom",
  "opt",
  "bindttl",
]);

/** Null when no vendor's form begins like this. `firstWord` is what stands before the first `-`. */
export function readVendorUsername(text: string, firstWord: string): VendorLogin | Refusal | null {
  const byPrefix = byFirstWord.get(firstWord);
  if (byPrefix !== undefined) return byPrefix(text.split("-"));
  const at = firstWord.indexOf("__");
  return at < 0 ? null : readDataimpulse(text.slice(0, at), text.slice(at + 2));
}

/** IPRoyal's form writes the parameters behind the secret: `secret_country-us_session-abcd1234`. */
export function readIproyalPassword(
  user: string,
  usernameTokens: readonly string[],
  password: string,
): VendorLogin & { readonly secret: string } {
  const [secret = "", ...segments] = password.split("_");
  const reader = new ParameterReader(unoffered);
  let problem: Problem = reader.putTokens(usernameTokens);
  for (const segment of segments) problem ??= reader.putSegment(segment, "-");
  return { dialect: "iproyal", user, clientId: null, wish: reader.finish(problem), secret };
}

/** `brd-customer-<clientId>-zone-<proxyUser>-country-us`; `lum-` is the older prefix. */
function readBrightdata(tokens: readonly string[]): VendorLogin | Refusal {
  const [first = "", customer, clientId = "", zone, user = "", ...parameters] = tokens;
  const isForm = customer === "customer" && zone === "zone" && /^[A-Za-z0-9_]{1,64}$/.test(clientId);
  if (!isForm) return refuse("bad_username", `a username that begins with ${quoted(first)} reads ${first}-customer-ID-zone-USER`);
  return loginOf("brightdata", user, parameters, clientId);
}

/** `<word>-<proxyUser>-key-value`. */
function readPrefixed(dialect: VendorName, [, user = "", ...parameters]: readonly string[]): VendorLogin {
  return loginOf(dialect, user, parameters, null);
}

function loginOf(dialect: VendorName, user: string, parameters: readonly string[], clientId: string | null): VendorLogin {
  const reader = new ParameterReader(unoffered);
  return { dialect, user, clientId, wish: reader.finish(reader.putTokens(parameters)) };
}

/** `<proxyUser>__cr.us;sessid.x;sessttl.30`. */
function readDataimpulse(user: string, parameters: string): VendorLogin {
  const reader = new ParameterReader(unoffered);
  let problem: Problem = null;
  for (const segment of parameters.split(";")) problem ??= reader.putSegment(segment, ".");
  return { dialect: "dataimpulse", user, clientId: null, wish: reader.finish(problem) };
}
