/**
 * What a program logs in with: a proxy user, what it asks for, and its secret.
 *
 * The native form is `demo-country-uz.kz-type-mobile-session-cart1-ttl-30m`; the forms of six other vendors are told by
 * how they begin, or by parameters in the password, and end in the same ask. Nothing is ever ignored: an unknown key, an
 * empty value, a key given twice or a contradiction is `bad_username` and names the part. When the form tells the user,
 * a wrong parameter does not hide it, so that the refusal can be shown to whoever the secret proves to be.
 * Whether the user exists and what its secret is, is decided elsewhere.
 *
 * Limits: 255 bytes each (RFC 1929), usernames of printable ASCII.
 */
import { type Ask, isProxyUser, type Refusal, refuse, reservedUsers } from "@karvon/domain";
import { quoted } from "./keys.ts";
import { ParameterReader, type ReadAsk } from "./read-parameters.ts";
import { readIproyalPassword, readVendorUsername, type VendorName } from "./vendor-dialects.ts";

export type DialectName = "native" | VendorName;

export interface ProxyLogin {
  readonly kind: "login";
  readonly dialect: DialectName;
  readonly user: string;
  /** The password without parameters. */
  readonly secret: string;
  /** The client account that the form names beside the user; null in most. */
  readonly clientId: string | null;
  readonly wish: ReadAsk | Refusal;
}

export interface ProxyTarget {
  readonly kind: "target";
  readonly dialect: DialectName;
  readonly user: string;
  readonly ask: Ask;
}

const lengthMax = 255;

/** A username alone: who it is and what it asks for. */
export function readProxyUsername(text: string): ProxyTarget | Refusal {
  const login = readProxyLogin(text, "");
  if (login.kind === "refused") return login;
  const { dialect, user, wish } = login;
  return wish.kind === "refused" ? wish : { kind: "target", dialect, user, ask: wish.ask };
}

/** A refusal means that not even the user can be told. */
export function readProxyLogin(username: string, password: string): ProxyLogin | Refusal {
  if (username === "") return refuse("bad_username", "the username is empty");
  if (username.length > lengthMax) return refuse("bad_username", `the username is longer than ${lengthMax} bytes`);
  if (!/^[\x20-\x7e]+$/.test(username)) return refuse("bad_username", "the username holds characters other than printable ASCII");
  const dash = username.indexOf("-");
  const firstWord = dash < 0 ? username : username.slice(0, dash);
  if (isProxyUser(firstWord)) return readNative(firstWord, dash < 0 ? [] : username.slice(dash + 1).split("-"), password);
  const vendor = readVendorUsername(username, firstWord);
  if (vendor === null) return refuse("bad_username", userProblem(firstWord));
  if ("code" in vendor) return vendor;
  return isProxyUser(vendor.user) ? { kind: "login", ...vendor, secret: password } : refuse("bad_username", userProblem(vendor.user));
}

/** Secrets hold no `_`, so one in the password begins IPRoyal's parameters. */
function readNative(user: string, tokens: readonly string[], password: string): ProxyLogin {
  if (password.includes("_") && password.length <= lengthMax) {
    return { kind: "login", ...readIproyalPassword(user, tokens, password) };
  }
  const reader = new ParameterReader();
  return { kind: "login", dialect: "native", user, secret: password, clientId: null, wish: reader.finish(reader.putTokens(tokens)) };
}

function userProblem(user: string): string {
  return reservedUsers.has(user)
    ? `${quoted(user)} is a reserved word and no proxy user`
    : `the user ${quoted(user)} is not 4 to 32 of a-z 0-9`;
}
