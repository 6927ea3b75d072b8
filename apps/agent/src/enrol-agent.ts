/** Joins an operator's fleet: makes the device's key, shows the code's token once, keeps what comes back. */
import { createHash } from "node:crypto";
import { type ConsentText, consentHashInput } from "@karvon/domain";
import {
  type ConnectionFacts,
  type DeviceKey,
  consentMessage,
  enrolMessage,
  makeDeviceKey,
  readEnrolmentCode,
  signWithDeviceKey,
} from "@karvon/security";
import { describeDevice } from "./device/describe-device.ts";
import { DialError } from "./link/dial.ts";
import { type Proof, joinGateway } from "./link/join-gateway.ts";
import { type AgentStore, createAgentStore, prepareFolder } from "./store/agent-store.ts";
import { agentVersion } from "./version.ts";

export interface EnrolOptions {
  /** Where the identity is kept; made if needed. */
  readonly folder: string;
  readonly code: string;
  /** What the operator will call this device; at most 60 characters are used. */
  readonly label: string;
  /** The text that the owner has read and agreed to, and when. Calling this without a yes is a lie. */
  readonly consent: { readonly text: ConsentText; readonly acceptedAtMs: number };
  readonly device?: { readonly platform: string; readonly model: string };
  /** Dial this instead of the address in the code; the key that must be there stays the code's. */
  readonly gateway?: { readonly host: string; readonly port: number } | undefined;
  readonly proxyProtocolSource?: { readonly address: string; readonly port: number } | undefined;
  readonly signal?: AbortSignal;
}

export type EnrolOutcome =
  | { readonly kind: "enrolled"; readonly store: AgentStore }
  /** `reason` is a sentence for the owner. */
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

/** Rejects with AgentStoreError when the folder cannot be written: found out before the code is used up. */
export async function enrolAgent(options: EnrolOptions): Promise<EnrolOutcome> {
  const code = readEnrolmentCode(options.code);
  if (code.kind === "malformed") return { kind: "refused", code: "code_malformed", reason: `The enrolment code is wrong: ${code.reason}.` };
  prepareFolder(options.folder);
  const key = makeDeviceKey("p256");
  const label = options.label.slice(0, 60);
  const device = options.device ?? describeDevice();
  const textSha256 = createHash("sha256").update(consentHashInput(options.consent.text)).digest();
  const consent = {
    publicKey: key.publicKey,
    version: options.consent.text.version,
    textSha256,
    acceptedAtMs: options.consent.acceptedAtMs,
  };

  function prove(facts: ConnectionFacts): Proof {
    if (code.kind === "malformed") throw new TypeError("a malformed code proves nothing");
    return {
      type: "enrol",
      payload: {
        token: code.token,
        algorithm: key.algorithm,
        publicKey: key.publicKey.toString("base64url"),
        signature: signText(key, enrolMessage({ ...facts, tokenHash: code.tokenHash, consent })),
        label,
        ...device,
        agentVersion,
        consent: {
          version: consent.version,
          textSha256: textSha256.toString("base64url"),
          acceptedAtMs: consent.acceptedAtMs,
          signature: signText(key, consentMessage(consent)),
        },
      },
    };
  }

  try {
    const joined = await joinGateway({
      door: { ...code, ...options.gateway },
      prove,
      signal: options.signal,
      proxyProtocolSource: options.proxyProtocolSource,
    });
    joined.tunnel.close();
    const { verdict } = joined;
    if (verdict.type === "refused") return { kind: "refused", code: verdict.payload.code, reason: verdict.payload.message };
    if (verdict.type !== "enrolled")
      return { kind: "refused", code: "protocol", reason: "The gateway gave an answer that makes no sense." };
    const store = createAgentStore(options.folder, {
      ...verdict.payload,
      algorithm: key.algorithm,
      privateKeyPem: key.privateKeyPem,
      publicKey: key.publicKey.toString("base64url"),
      label,
      door: { host: code.host, port: code.port, spkiPin: code.spkiPin },
      consent: { version: consent.version, textSha256: textSha256.toString("base64url"), acceptedAtMs: consent.acceptedAtMs },
      enrolledAtMs: Date.now(),
    });
    return { kind: "enrolled", store };
  } catch (cause) {
    if (cause instanceof DialError) return { kind: "refused", code: cause.code, reason: `Not enrolled: ${cause.message}.` };
    throw cause;
  }
}

function signText(key: DeviceKey, message: Uint8Array): string {
  return signWithDeviceKey(key, message).toString("base64url");
}
