/**
 * Enrolment codes: what an operator copies into a device.
 *
 *   kve1.<token, 16 bytes>.<SHA-256 of the tunnel's public key>.<host:port>     (each part base64url)
 *
 * The code says where to dial and whom to trust there; the token joins the operator's fleet once, within 10 minutes.
 * The server keeps only the token's SHA-256: 128 random bits need no slow hash.
 */
import { createHash, randomBytes } from "node:crypto";

export const enrolmentTtlMs = 10 * 60_000;
const tokenBytes = 16;
const pinBytes = 32;
const codeLengthMax = 500;
const hostPattern = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/i;
const base64urlPattern = /^[A-Za-z0-9_-]+$/;

export interface TunnelDoor {
  readonly host: string;
  readonly port: number;
  /** base64url SHA-256 of the SubjectPublicKeyInfo that the tunnel's certificate must have. */
  readonly spkiPin: string;
}

export interface NewEnrolment {
  readonly code: string;
  readonly token: string;
  readonly tokenHash: Buffer;
}

export function makeEnrolmentCode(door: TunnelDoor): NewEnrolment {
  const tokenRaw = randomBytes(tokenBytes);
  const token = tokenRaw.toString("base64url");
  const host = door.host.includes(":") ? `[${door.host}]` : door.host;
  const place = Buffer.from(`${host}:${door.port}`, "utf8").toString("base64url");
  return { code: `kve1.${token}.${door.spkiPin}.${place}`, token, tokenHash: createHash("sha256").update(tokenRaw).digest() };
}

/** SHA-256 of a token as it travels (base64url), or null when it is not 16 bytes. */
export function hashEnrolmentToken(token: string): Buffer | null {
  const raw = decode(token, tokenBytes);
  return raw === null ? null : createHash("sha256").update(raw).digest();
}

export type EnrolmentCode =
  | ({ readonly kind: "code"; readonly token: string; readonly tokenHash: Buffer } & TunnelDoor)
  | { readonly kind: "malformed"; readonly reason: string };

export function readEnrolmentCode(text: string): EnrolmentCode {
  const code = text.trim();
  if (code.length > codeLengthMax) return malformed("it is too long");
  const [version, token, spkiPin, place, ...rest] = code.split(".");
  if (version !== "kve1") return malformed("it does not begin with kve1.");
  if (token === undefined || spkiPin === undefined || place === undefined || rest.length > 0)
    return malformed("it does not have four parts");
  const tokenHash = hashEnrolmentToken(token);
  if (tokenHash === null) return malformed("its token is cut or changed");
  if (decode(spkiPin, pinBytes) === null) return malformed("its key pin is cut or changed");
  const door = readPlace(place);
  if (door === null) return malformed("its address is cut or changed");
  return { kind: "code", token, tokenHash, spkiPin, ...door };
}

function malformed(reason: string): EnrolmentCode {
  return { kind: "malformed", reason };
}

function readPlace(place: string): { host: string; port: number } | null {
  if (!base64urlPattern.test(place)) return null;
  const text = Buffer.from(place, "base64url").toString("utf8");
  const port = Number(hostPattern.exec(text)?.[1] ?? 0);
  if (port < 1 || port > 65_535) return null;
  const host = text.slice(0, text.lastIndexOf(":"));
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port };
}

/** Strict base64url: the one spelling of exactly `length` bytes. */
function decode(text: string, length: number): Buffer | null {
  if (!base64urlPattern.test(text)) return null;
  const raw = Buffer.from(text, "base64url");
  return raw.length === length && raw.toString("base64url") === text ? raw : null;
}
