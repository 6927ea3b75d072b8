/**
 * Sealed values: AES-256-GCM envelopes for secrets that must be read again (TOTP secrets, provider keys).
 *
 *   1 byte version | 4 bytes key id | 12 bytes nonce | 16 bytes tag | ciphertext
 *
 * `place` says where the value lives ("user_account:usr_…:totp_secret_sealed") and is authenticated: a value copied
 * to another row or column does not open. Several keys can be given to open, so that a key can be replaced.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const version = 1;
const keyBytes = 32;
const keyIdBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + keyIdBytes + nonceBytes + tagBytes;

function keyId(key: Uint8Array): Buffer {
  if (key.length !== keyBytes) throw new RangeError(`a sealing key has ${keyBytes} bytes`);
  return createHash("sha256").update("karvon-seal-key-id").update(key).digest().subarray(0, keyIdBytes);
}

export function seal(key: Uint8Array, place: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const head = Buffer.concat([Buffer.from([version]), keyId(key), nonce]);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.concat([head, Buffer.from(place, "utf8")]));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([head, cipher.getAuthTag(), body]);
}

/** The plain bytes, or null when no key fits, the place is another one or a bit has changed. */
export function unseal(keys: readonly Uint8Array[], place: string, sealed: Uint8Array): Buffer | null {
  const bytes = Buffer.from(sealed);
  if (bytes.length < headBytes || bytes[0] !== version) return null;
  const wanted = bytes.subarray(1, 1 + keyIdBytes);
  const key = keys.find((candidate) => keyId(candidate).equals(wanted));
  if (key === undefined) return null;
  const nonceEnd = 1 + keyIdBytes + nonceBytes;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1 + keyIdBytes, nonceEnd), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.concat([bytes.subarray(0, nonceEnd), Buffer.from(place, "utf8")]));
  decipher.setAuthTag(bytes.subarray(nonceEnd, headBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headBytes)), decipher.final()]);
  } catch {
    return null;
  }
}
