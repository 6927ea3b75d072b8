/**
 * Decides whether a connection is the device that it says it is (AUTH), or may become one (ENROL).
 *
 * Everything that a node proves is bound to one nonce and one TLS connection; a session number is accepted once and only
 * when it is greater than every one before it. The answers say enough for an honest owner and nothing for an attacker:
 * an unknown node, an unknown key and a wrong signature are all `auth_failed`.
 */
import type { EnrolmentOutcome, EnrolmentRequest, GatewayDatabase, KeyAlgorithmName, NodeAuthFacts } from "@karvon/db/sql";
import {
  authMessage,
  type ConnectionFacts,
  consentMessage,
  deviceFingerprint,
  enrolMessage,
  hashEnrolmentToken,
  readDevicePublicKey,
  verifyDeviceSignature,
} from "@karvon/security";
import type { ControlPayloads } from "@karvon/wire";

export interface NodeRefusal {
  readonly kind: "refused";
  /** Goes to the device and to the log. */
  readonly code: string;
  readonly message: string;
}

export type AuthVerdict = { readonly kind: "admitted"; readonly facts: NodeAuthFacts } | NodeRefusal;
export type EnrolVerdict = Extract<EnrolmentOutcome, { kind: "enrolled" }> | NodeRefusal;

const failed = refusal("auth_failed", "This device could not prove who it is.");

export function refusal(code: string, message: string): NodeRefusal {
  return { kind: "refused", code, message };
}

/** Whether the node may hold a tunnel at all. A paused node may: it only gets no sessions. */
export function standingRefusal(facts: Pick<NodeAuthFacts, "status" | "operatorActive">): NodeRefusal | null {
  if (facts.status === "suspended") return refusal("node_suspended", "This device is suspended by the network.");
  if (facts.status === "retired") return refusal("node_retired", "This device was retired; enrol it again with a new code.");
  return facts.operatorActive ? null : refusal("operator_suspended", "The operator of this device is suspended.");
}

/** Rejects when the database is away. */
export async function judgeAuth(
  database: Pick<GatewayDatabase, "findNodeForAuth" | "advanceSessionSeq">,
  connection: ConnectionFacts,
  auth: ControlPayloads["auth"],
): Promise<AuthVerdict> {
  const facts = await database.findNodeForAuth(auth.nodeId, auth.keyId);
  if (facts === null) return failed;
  if (!isSignedBy(facts, () => authMessage({ ...connection, ...auth, sessionSeq: BigInt(auth.sessionSeq) }), auth.signature)) return failed;
  // The number is spent only by a right signature, so that nobody else can spend it.
  const standing = standingRefusal(facts);
  if (standing !== null) return standing;
  if (!(await database.advanceSessionSeq(facts.keyId, BigInt(auth.sessionSeq)))) {
    return refusal("replayed", "This session number was used before; another program may hold this device's key.");
  }
  return { kind: "admitted", facts };
}

/** Rejects when the database is away. */
export async function judgeEnrolment(
  database: Pick<GatewayDatabase, "enrolNode">,
  connection: ConnectionFacts,
  enrol: ControlPayloads["enrol"],
): Promise<EnrolVerdict> {
  const algorithm: KeyAlgorithmName | null = enrol.algorithm === "p256" || enrol.algorithm === "ed25519" ? enrol.algorithm : null;
  const tokenHash = hashEnrolmentToken(enrol.token);
  const publicKey = Buffer.from(enrol.publicKey, "base64url");
  if (algorithm === null || readDevicePublicKey(algorithm, publicKey) === null)
    return refusal("key_invalid", "The device's public key is not one that Karvon knows.");
  if (tokenHash === null) return refusal("token_unknown", "The enrolment code is wrong.");
  const textSha256 = Buffer.from(enrol.consent.textSha256, "base64url");
  const consent = { publicKey, version: enrol.consent.version, textSha256, acceptedAtMs: enrol.consent.acceptedAtMs };
  const key: Pick<NodeAuthFacts, "algorithm" | "publicKey"> = { algorithm, publicKey };
  const isConsentSigned = isSignedBy(key, () => consentMessage(consent), enrol.consent.signature);
  const isEnrolmentSigned = isSignedBy(key, () => enrolMessage({ ...connection, tokenHash, consent }), enrol.signature);
  if (!isConsentSigned || !isEnrolmentSigned) return failed;
  const request: EnrolmentRequest = {
    tokenHash,
    label: enrol.label === "" ? null : enrol.label,
    platform: enrol.platform,
    model: enrol.model,
    agentVersion: enrol.agentVersion,
    algorithm,
    publicKey,
    fingerprint: deviceFingerprint(publicKey),
    consent: {
      version: enrol.consent.version,
      textSha256,
      acceptedAt: new Date(enrol.consent.acceptedAtMs),
      signature: Buffer.from(enrol.consent.signature, "base64url"),
    },
  };
  const outcome = await database.enrolNode(request);
  return outcome.kind === "enrolled" ? outcome : refusal(outcome.reason, enrolmentMessages[outcome.reason]);
}

const enrolmentMessages: Readonly<Record<Extract<EnrolmentOutcome, { kind: "refused" }>["reason"], string>> = {
  token_unknown: "The enrolment code is wrong.",
  token_used: "The enrolment code was used before.",
  token_expired: "The enrolment code has expired; ask for a new one.",
  key_known: "This device's key is enrolled already.",
  operator_suspended: "The operator of this code is suspended.",
};

/** A message that cannot be laid out (a text too long, a number out of range) was signed by nobody. */
function isSignedBy(key: Pick<NodeAuthFacts, "algorithm" | "publicKey">, message: () => Buffer, signature: string): boolean {
  try {
    return verifyDeviceSignature(key.algorithm, key.publicKey, message(), Buffer.from(signature, "base64url"));
  } catch (cause) {
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}
