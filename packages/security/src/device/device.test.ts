import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { deviceFingerprint, makeDeviceKey, readDevicePublicKey, signWithDeviceKey, verifyDeviceSignature } from "./keys.ts";
import { authMessage, consentMessage, enrolMessage, type AuthFacts, type EnrolFacts } from "./messages.ts";

const auth: AuthFacts = {
  gatewayId: "gwy_1",
  nonce: Buffer.alloc(32, 1),
  channelBinding: Buffer.alloc(32, 2),
  nodeId: "nod_1",
  keyId: "key_1",
  bootId: "boot",
  sessionSeq: 258n,
};
const enrol: EnrolFacts = {
  gatewayId: "gwy_1",
  nonce: Buffer.alloc(32, 1),
  channelBinding: Buffer.alloc(32, 2),
  tokenHash: Buffer.alloc(32, 3),
  consent: { publicKey: Buffer.from("key"), version: "1", textSha256: Buffer.alloc(32, 4), acceptedAtMs: 1_700_000_000_000 },
};
const algorithms = ["p256", "ed25519"] as const;

describe("what a device signs", () => {
  test("has the bytes that the protocol document says", () => {
    const expected = [
      "000e6b6172766f6e2d617574682d7631", // "karvon-auth-v1"
      "00056777795f31", // gatewayId
      `0020${"01".repeat(32)}`,
      `0020${"02".repeat(32)}`,
      "00056e6f645f31", // nodeId
      "00056b65795f31", // keyId
      "0004626f6f74", // bootId
      "00080000000000000102", // sessionSeq
    ];
    expect(authMessage(auth).toString("hex")).toBe(expected.join(""));
    const consent = [
      "00116b6172766f6e2d636f6e73656e742d7631",
      "00036b6579",
      "000131",
      `0020${"04".repeat(32)}`,
      "00080000018bcfe56800",
    ].join("");
    expect(consentMessage(enrol.consent).toString("hex")).toBe(consent);
    const consentHash = createHash("sha256").update(Buffer.from(consent, "hex")).digest("hex");
    expect(
      enrolMessage(enrol)
        .toString("hex")
        .endsWith(`0020${"03".repeat(32)}00036b65790020${consentHash}`),
    ).toBe(true);
  });

  test("changes with every field, and text cannot slide from one field into the next", () => {
    const changed: AuthFacts[] = [
      { ...auth, gatewayId: "gwy_2" },
      { ...auth, nonce: Buffer.alloc(32, 9) },
      { ...auth, channelBinding: Buffer.alloc(32, 9) },
      { ...auth, nodeId: "nod_2" },
      { ...auth, keyId: "key_2" },
      { ...auth, bootId: "boot2" },
      { ...auth, sessionSeq: 259n },
      { ...auth, nodeId: "nod_1k", keyId: "ey_1" },
    ];
    const all = [auth, ...changed].map((facts) => authMessage(facts).toString("hex"));
    expect(new Set(all).size).toBe(all.length);
  });

  test("is refused when a fixed length is wrong or a number does not fit", () => {
    expect(() => authMessage({ ...auth, nonce: Buffer.alloc(31) })).toThrow(RangeError);
    expect(() => authMessage({ ...auth, channelBinding: Buffer.alloc(0) })).toThrow(RangeError);
    expect(() => authMessage({ ...auth, sessionSeq: -1n })).toThrow(RangeError);
    expect(() => authMessage({ ...auth, sessionSeq: 2n ** 64n })).toThrow(RangeError);
    expect(() => authMessage({ ...auth, bootId: "x".repeat(201) })).toThrow(RangeError);
    expect(() => enrolMessage({ ...enrol, tokenHash: Buffer.alloc(16) })).toThrow(RangeError);
  });
});

describe.each(algorithms)("a %s key", (algorithm) => {
  const key = makeDeviceKey(algorithm);
  const message = authMessage(auth);

  test("signs what its public key confirms", () => {
    const signature = signWithDeviceKey(key, message);
    expect(verifyDeviceSignature(algorithm, key.publicKey, message, signature)).toBe(true);
    expect(deviceFingerprint(key.publicKey)).toHaveLength(32);
  });

  test("confirms nothing else: another message, another key, a changed or cut signature, the other algorithm", () => {
    const signature = signWithDeviceKey(key, message);
    const flipped = Buffer.from(signature);
    flipped.writeUInt8(flipped.readUInt8(10) ^ 1, 10);
    const other = algorithm === "p256" ? "ed25519" : "p256";
    expect(verifyDeviceSignature(algorithm, key.publicKey, authMessage({ ...auth, sessionSeq: 259n }), signature)).toBe(false);
    expect(verifyDeviceSignature(algorithm, makeDeviceKey(algorithm).publicKey, message, signature)).toBe(false);
    expect(verifyDeviceSignature(algorithm, key.publicKey, message, flipped)).toBe(false);
    expect(verifyDeviceSignature(algorithm, key.publicKey, message, signature.subarray(0, 20))).toBe(false);
    expect(verifyDeviceSignature(algorithm, key.publicKey, message, Buffer.alloc(0))).toBe(false);
    expect(verifyDeviceSignature(algorithm, key.publicKey, message, Buffer.alloc(5_000))).toBe(false);
    expect(verifyDeviceSignature(other, key.publicKey, message, signature)).toBe(false);
  });

  test("is read in its one canonical encoding and never throws", () => {
    expect(readDevicePublicKey(algorithm, key.publicKey)).not.toBeNull();
    expect(readDevicePublicKey(algorithm, Buffer.concat([key.publicKey, Buffer.from([0])]))).toBeNull();
    for (let length = 0; length < key.publicKey.length; length += 1)
      expect(readDevicePublicKey(algorithm, key.publicKey.subarray(0, length))).toBeNull();
    const random = Buffer.from(key.publicKey);
    for (let at = 0; at < random.length; at += 1) {
      const damaged = Buffer.from(key.publicKey);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x55, at);
      expect(() => verifyDeviceSignature(algorithm, damaged, message, Buffer.alloc(64))).not.toThrow();
    }
  });
});

test("keys of other kinds are not device keys", () => {
  const ed448 = generateKeyPairSync("ed448").publicKey.export({ format: "der", type: "spki" });
  const p384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" }).publicKey.export({ format: "der", type: "spki" });
  for (const der of [ed448, p384]) for (const algorithm of algorithms) expect(readDevicePublicKey(algorithm, der)).toBeNull();
});

test("a signature of RFC 8032's second test vector is good", () => {
  const publicKey = Buffer.from("302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "hex");
  const signature = Buffer.from(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    "hex",
  );
  expect(verifyDeviceSignature("ed25519", publicKey, Buffer.from([0x72]), signature)).toBe(true);
});
