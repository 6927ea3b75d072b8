/**
 * Device keys: ECDSA P-256 (SHA-256, DER signatures, as Android's Keystore makes them) and Ed25519.
 *
 * Public keys travel as SubjectPublicKeyInfo in DER, in the one canonical encoding (91 bytes uncompressed P-256,
 * 44 bytes Ed25519): another encoding of the same key would have another fingerprint and could enrol twice.
 * Checking never throws: whatever a peer sends is a good signature or it is not.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";

export type DeviceKeyAlgorithm = "p256" | "ed25519";

const canonicalHeads: Record<DeviceKeyAlgorithm, Buffer> = {
  // SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING, 0x04: an uncompressed point follows (RFC 5480).
  p256: Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex"),
  // SEQUENCE { id-Ed25519 }, BIT STRING (RFC 8410).
  ed25519: Buffer.from("302a300506032b6570032100", "hex"),
};
const canonicalLengths: Record<DeviceKeyAlgorithm, number> = { p256: 91, ed25519: 44 };
const signatureBytesMax = 80;

/** The key object, or null when the bytes are not a canonical public key of that algorithm. */
export function readDevicePublicKey(algorithm: DeviceKeyAlgorithm, der: Uint8Array): KeyObject | null {
  const head = canonicalHeads[algorithm];
  if (der.length !== canonicalLengths[algorithm] || !head.equals(der.subarray(0, head.length))) return null;
  try {
    return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  } catch {
    return null; // the point is not on the curve
  }
}

export function verifyDeviceSignature(
  algorithm: DeviceKeyAlgorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = readDevicePublicKey(algorithm, publicKey);
  if (key === null || signature.length === 0 || signature.length > signatureBytesMax) return false;
  try {
    return verify(algorithm === "p256" ? "sha256" : null, message, key, signature);
  } catch {
    return false;
  }
}

export interface DeviceKey {
  readonly algorithm: DeviceKeyAlgorithm;
  /** PKCS #8 PEM, for a file that only its owner may read. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

export function makeDeviceKey(algorithm: DeviceKeyAlgorithm): DeviceKey {
  const pair = algorithm === "p256" ? generateKeyPairSync("ec", { namedCurve: "prime256v1" }) : generateKeyPairSync("ed25519");
  return {
    algorithm,
    privateKeyPem: pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    publicKey: pair.publicKey.export({ format: "der", type: "spki" }),
  };
}

/** Throws when the PEM is not a private key: the agent's own file is broken. */
export function signWithDeviceKey(key: Pick<DeviceKey, "algorithm" | "privateKeyPem">, message: Uint8Array): Buffer {
  return sign(key.algorithm === "p256" ? "sha256" : null, message, createPrivateKey(key.privateKeyPem));
}

/** SHA-256 of the public key: the same key enrols once. */
export function deviceFingerprint(publicKey: Uint8Array): Buffer {
  return createHash("sha256").update(publicKey).digest();
}
