/** Opaque tokens: random, shown once, kept as SHA-256 (their 256 bits need no slow hash). */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

export function makeToken(): string {
  return randomBytes(32).toString("base64url");
}

export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}

/** In constant time when the lengths agree; lengths are no secret here. */
export function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
