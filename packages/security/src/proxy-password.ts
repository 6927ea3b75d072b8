/**
 * Proxy passwords: generated, never chosen, so one fast keyed hash is enough (24 of 62 characters are 142 bits).
 *
 * The gateway checks one on every connection: HMAC-SHA256 under the server's pepper costs microseconds, and a stolen
 * database alone gives nothing. The password is shown once and never stored.
 */
import { createHmac, randomInt, timingSafeEqual } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const prefix = "pxk";
const randomLength = 24;
const pepperBytesMin = 32;
/** Longer input is refused unhashed: RFC 1929 allows 255 bytes. */
const passwordBytesMax = 255;

export function makeProxyPassword(): string {
  let password = prefix;
  for (let i = 0; i < randomLength; i += 1) password += alphabet.charAt(randomInt(alphabet.length));
  return password;
}

/** RangeError when the pepper is shorter than 32 bytes: that is our own mistake, not the caller's input. */
export function hashProxyPassword(pepper: Uint8Array, password: string): Buffer {
  if (pepper.length < pepperBytesMin) throw new RangeError(`the pepper has at least ${pepperBytesMin} bytes`);
  return createHmac("sha256", pepper).update(password, "utf8").digest();
}

/** In constant time for a given length of input. */
export function verifyProxyPassword(pepper: Uint8Array, password: string, secretHash: Uint8Array): boolean {
  if (Buffer.byteLength(password, "utf8") > passwordBytesMax) return false;
  const actual = hashProxyPassword(pepper, password);
  return secretHash.length === actual.length && timingSafeEqual(actual, secretHash);
}
