/**
 * The bytes that a device's key signs: one layout for gateway, reference agent and any other agent.
 *
 * A message is a list of fields, each as a 2-byte big-endian length and its bytes, so that no two different lists
 * have the same bytes. Text is UTF-8, numbers are 8 bytes big-endian, hashes and keys are raw. The first field is
 * the purpose, so a signature for one purpose is never good for another.
 *
 *   auth     "karvon-auth-v1", gatewayId, nonce (32), channel binding (32), nodeId, keyId, bootId, sessionSeq
 *   enrol    "karvon-enrol-v1", gatewayId, nonce (32), channel binding (32), SHA-256(token), public key (SPKI DER),
 *            SHA-256 of the consent message
 *   consent  "karvon-consent-v1", public key (SPKI DER), version, SHA-256 of the text, acceptedAtMs
 *
 * The channel binding ties auth and enrol to one TLS connection (RFC 9266), so a man in the middle cannot pass them
 * on. The consent message is free of it on purpose: the receipt must be checkable for ever, from what is stored.
 */
import { createHash } from "node:crypto";

export const nonceBytes = 32;
export const channelBindingBytes = 32;
const fieldBytesMax = 0xffff;
const textBytesMax = 200;

function bytesOf(field: string | bigint | Uint8Array): Uint8Array {
  if (typeof field === "string") {
    const text = Buffer.from(field, "utf8");
    if (text.length > textBytesMax) throw new RangeError(`a signed text field has at most ${textBytesMax} bytes`);
    return text;
  }
  if (typeof field === "bigint") {
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(field);
    return number;
  }
  return field;
}

function layOut(fields: readonly (string | bigint | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const field of fields) {
    const bytes = bytesOf(field);
    if (bytes.length > fieldBytesMax) throw new RangeError("a signed field has at most 65,535 bytes");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

function assertLength(name: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) throw new RangeError(`${name} has ${expected} bytes, not ${bytes.length}`);
}

export interface ConnectionFacts {
  readonly gatewayId: string;
  readonly nonce: Uint8Array;
  readonly channelBinding: Uint8Array;
}

export interface AuthFacts extends ConnectionFacts {
  readonly nodeId: string;
  readonly keyId: string;
  readonly bootId: string;
  readonly sessionSeq: bigint;
}

/** What AUTH's `signature` covers. RangeError when nonce or binding are not 32 bytes or the number is not a u64. */
export function authMessage(facts: AuthFacts): Buffer {
  assertLength("nonce", facts.nonce, nonceBytes);
  assertLength("channelBinding", facts.channelBinding, channelBindingBytes);
  return layOut([
    "karvon-auth-v1",
    facts.gatewayId,
    facts.nonce,
    facts.channelBinding,
    facts.nodeId,
    facts.keyId,
    facts.bootId,
    facts.sessionSeq,
  ]);
}

export interface ConsentFacts {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly version: string;
  readonly textSha256: Uint8Array;
  readonly acceptedAtMs: number;
}

/** What ENROL's `consent.signature` covers: the receipt that is kept. */
export function consentMessage(facts: ConsentFacts): Buffer {
  assertLength("textSha256", facts.textSha256, 32);
  return layOut(["karvon-consent-v1", facts.publicKey, facts.version, facts.textSha256, BigInt(facts.acceptedAtMs)]);
}

export interface EnrolFacts extends ConnectionFacts {
  /** SHA-256 of the enrolment token's 16 bytes. */
  readonly tokenHash: Uint8Array;
  readonly consent: ConsentFacts;
}

/** What ENROL's `signature` covers: this connection, this token, this key and this consent. */
export function enrolMessage(facts: EnrolFacts): Buffer {
  assertLength("nonce", facts.nonce, nonceBytes);
  assertLength("channelBinding", facts.channelBinding, channelBindingBytes);
  assertLength("tokenHash", facts.tokenHash, 32);
  const consentHash = createHash("sha256").update(consentMessage(facts.consent)).digest();
  return layOut([
    "karvon-enrol-v1",
    facts.gatewayId,
    facts.nonce,
    facts.channelBinding,
    facts.tokenHash,
    facts.consent.publicKey,
    consentHash,
  ]);
}

/** The part of `tls.TLSSocket` that binds a signature to its connection. */
export interface BindableSocket {
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
}

/** 32 bytes that both ends of one TLS 1.3 connection know and nobody between them does (RFC 9266, section 4.2). */
export function channelBinding(socket: BindableSocket): Buffer {
  return socket.exportKeyingMaterial(channelBindingBytes, "EXPORTER-Channel-Binding", Buffer.alloc(0));
}
