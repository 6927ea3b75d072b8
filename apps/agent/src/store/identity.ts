/** Who this device is in the network: what enrolment gave it, with the private key that never leaves it. */
import type { DeviceKeyAlgorithm, TunnelDoor } from "@karvon/security";
import { type JsonObject, countOf, isObject, parseObject, textOf } from "./json.ts";

export interface AgentIdentity {
  readonly nodeId: string;
  readonly keyId: string;
  readonly algorithm: DeviceKeyAlgorithm;
  /** PKCS #8 PEM. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo, DER, base64url. */
  readonly publicKey: string;
  readonly label: string;
  readonly operatorName: string;
  readonly door: TunnelDoor;
  readonly consent: { readonly version: string; readonly textSha256: string; readonly acceptedAtMs: number };
  readonly enrolledAtMs: number;
}

const formatVersion = 1;

export function writeIdentity(identity: AgentIdentity): string {
  return `${JSON.stringify({ format: formatVersion, ...identity }, null, 2)}\n`;
}

/** Null when the text is not a whole identity of this format. */
export function readIdentity(text: string): AgentIdentity | null {
  const object = parseObject(text);
  if (object?.["format"] !== formatVersion) return null;
  const key = readKey(object);
  const door = readDoor(object["door"]);
  const consent = readConsent(object["consent"]);
  if (!key || !door || !consent) return null;
  const label = textOf(object, "label") ?? "";
  const operatorName = textOf(object, "operatorName") ?? "";
  return { ...key, label, operatorName, door, consent, enrolledAtMs: countOf(object, "enrolledAtMs") ?? 0 };
}

function readKey(object: JsonObject): Pick<AgentIdentity, "nodeId" | "keyId" | "algorithm" | "privateKeyPem" | "publicKey"> | null {
  const algorithm = object["algorithm"];
  const nodeId = textOf(object, "nodeId");
  const keyId = textOf(object, "keyId");
  const privateKeyPem = textOf(object, "privateKeyPem");
  const publicKey = textOf(object, "publicKey");
  if (algorithm !== "p256" && algorithm !== "ed25519") return null;
  return nodeId && keyId && privateKeyPem && publicKey ? { nodeId, keyId, algorithm, privateKeyPem, publicKey } : null;
}

function readDoor(value: unknown): TunnelDoor | null {
  if (!isObject(value)) return null;
  const host = textOf(value, "host");
  const port = countOf(value, "port");
  const spkiPin = textOf(value, "spkiPin");
  return host && port && port <= 65_535 && spkiPin ? { host, port, spkiPin } : null;
}

function readConsent(value: unknown): AgentIdentity["consent"] | null {
  if (!isObject(value)) return null;
  const version = textOf(value, "version");
  const textSha256 = textOf(value, "textSha256");
  const acceptedAtMs = countOf(value, "acceptedAtMs");
  return version && textSha256 && acceptedAtMs !== null ? { version, textSha256, acceptedAtMs } : null;
}
