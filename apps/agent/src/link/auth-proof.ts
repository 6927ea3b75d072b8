/** AUTH: proves on one connection that this device holds the key that was enrolled. */
import { type ConnectionFacts, authMessage, signWithDeviceKey } from "@karvon/security";
import type { AgentStore } from "../store/agent-store.ts";
import { agentVersion } from "../version.ts";
import type { Proof } from "./join-gateway.ts";

export interface Prover {
  readonly store: AgentStore;
  /** The same for one run of the program: tells a device that restarted from two that share a key. */
  readonly bootId: string;
  readonly description: { readonly platform: string; readonly model: string };
}

export function makeAuthProof({ store, bootId, description }: Prover, facts: ConnectionFacts): Proof {
  const { nodeId, keyId } = store.identity;
  const sessionSeq = store.nextSessionSeq();
  const message = authMessage({ ...facts, nodeId, keyId, bootId, sessionSeq: BigInt(sessionSeq) });
  const signature = signWithDeviceKey(store.identity, message).toString("base64url");
  return { type: "auth", payload: { nodeId, keyId, bootId, sessionSeq, signature, agentVersion, ...description } };
}
