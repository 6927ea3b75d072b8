/** Takes the owner's consent back: on this device first, so that it counts even when the gateway is away. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createDeferred } from "./deferred.ts";
import { describeDevice } from "./device/describe-device.ts";
import { makeAuthProof } from "./link/auth-proof.ts";
import { DialError } from "./link/dial.ts";
import { joinGateway } from "./link/join-gateway.ts";
import type { AgentStore } from "./store/agent-store.ts";

const acknowledgeTimeoutMs = 5_000;

export type WithdrawOutcome =
  /** The gateway knows, or knew already. */
  | { readonly kind: "told" }
  /** This device serves no more; the gateway could not be told yet. */
  | { readonly kind: "not-told"; readonly reason: string };

export async function withdrawAgent(options: {
  readonly store: AgentStore;
  readonly gateway?: { readonly host: string; readonly port: number } | undefined;
  readonly proxyProtocolSource?: { readonly address: string; readonly port: number } | undefined;
}): Promise<WithdrawOutcome> {
  const { store } = options;
  store.markWithdrawn(false);
  const prover = { store, bootId: randomBytes(12).toString("base64url"), description: describeDevice() };
  const closed = createDeferred<null>();
  try {
    const { tunnel, verdict } = await joinGateway({
      door: { ...store.identity.door, ...options.gateway },
      proxyProtocolSource: options.proxyProtocolSource,
      prove: (facts) => makeAuthProof(prover, facts),
      onClose: () => closed.resolve(null),
    });
    // A refusal is as good: the gateway no longer lets this device serve.
    if (verdict.type !== "refused") {
      tunnel.sendControl("withdraw", {});
      await Promise.race([closed.promise, sleep(acknowledgeTimeoutMs)]);
      tunnel.close();
    }
    store.markWithdrawn(true);
    return { kind: "told" };
  } catch (cause) {
    if (cause instanceof DialError) return { kind: "not-told", reason: cause.message };
    throw cause;
  }
}
