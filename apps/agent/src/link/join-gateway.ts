/**
 * From a dialled connection to an admitted node: waits for the challenge, proves, waits for the verdict.
 *
 * Limits: 10 s for the challenge and 10 s for the verdict. Frames that do not belong to the conversation end it.
 */
import type { TLSSocket } from "node:tls";
import { type ConnectionFacts, channelBinding, nonceBytes } from "@karvon/security";
import { type GoAwayName, type Target, type Tunnel, type TunnelEnd, type TunnelStream, createTunnel } from "@karvon/tunnel";
import type { ControlMessage, ControlPayloads } from "@karvon/wire";
import { DialError, type DialOptions, dialGateway } from "./dial.ts";

const replyTimeoutMs = 10_000;
const protocolVersion = 1;

export type Proof =
  | { readonly type: "auth"; readonly payload: ControlPayloads["auth"] }
  | { readonly type: "enrol"; readonly payload: ControlPayloads["enrol"] };
type Verdict = Extract<ControlMessage, { readonly type: "ready" | "enrolled" | "refused" }>;

export interface JoinOptions extends DialOptions {
  prove(facts: ConnectionFacts): Proof;
  readonly onOpen?: (stream: TunnelStream, target: Target) => void;
  readonly onGoAway?: (reason: GoAwayName) => void;
  /** The gateway asks for a second connection. */
  readonly onRedial?: () => void;
  /** The gateway sends the node away after it was admitted. */
  readonly onRefused?: (refusal: ControlPayloads["refused"]) => void;
  /** Called once, also when joining fails after the connection stood. */
  readonly onClose?: (end: TunnelEnd) => void;
}

export interface Joined {
  readonly tunnel: Tunnel;
  readonly verdict: Verdict;
  /** The gateway's and this device's addresses of the connection, as the system knows them. */
  readonly remote: { readonly address: string; readonly port: number };
  readonly localAddress: string;
}

/** Rejects with a DialError. A refusal is a verdict, not an error; its tunnel is closed already. */
export async function joinGateway(options: JoinOptions): Promise<Joined> {
  const socket = await dialGateway(options);
  const ends = {
    remote: { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 },
    localAddress: socket.localAddress ?? "",
  };
  const { tunnel, verdict } = await converse(socket, options);
  if (verdict.type === "refused") tunnel.close();
  return { tunnel, verdict, ...ends };
}

function converse(socket: TLSSocket, options: JoinOptions): Promise<{ tunnel: Tunnel; verdict: Verdict }> {
  const binding = channelBinding(socket);
  return new Promise((resolve, reject) => {
    let phase: "challenge" | "verdict" | "done" = "challenge";
    let timer = setTimeout(() => fail("timeout", "the gateway sent no challenge in time"), replyTimeoutMs);
    const onAbort = (): void => fail("stopped", "stopped while joining");

    function settle(): void {
      phase = "done";
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
    function fail(code: DialError["code"], message: string): void {
      if (phase === "done") return;
      settle();
      tunnel.close();
      reject(new DialError(code, message));
    }
    function answer(challenge: ControlPayloads["challenge"]): void {
      const nonce = Buffer.from(challenge.nonce, "base64url");
      if (challenge.protocol !== protocolVersion || nonce.length !== nonceBytes) return fail("wrong-protocol", "the challenge is not one");
      phase = "verdict";
      clearTimeout(timer);
      timer = setTimeout(() => fail("timeout", "the gateway did not judge the proof in time"), replyTimeoutMs);
      const proof = options.prove({ gatewayId: challenge.gatewayId, nonce, channelBinding: binding });
      if (proof.type === "auth") tunnel.sendControl("auth", proof.payload);
      else tunnel.sendControl("enrol", proof.payload);
    }

    const tunnel = createTunnel({
      socket,
      role: "node",
      onOpen: (stream, target) => {
        // Before the verdict nobody has the right to ask for a connection, and after a refusal either.
        if (phase === "done" && options.onOpen) options.onOpen(stream, target);
        else stream.reset("protocol");
      },
      onControl: (message) => {
        if (phase === "done") return message.type === "refused" ? options.onRefused?.(message.payload) : undefined;
        if (phase === "challenge" && message.type === "challenge") return answer(message.payload);
        const isVerdict = message.type === "ready" || message.type === "enrolled" || message.type === "refused";
        if (phase !== "verdict" && message.type === "refused") return fail("wrong-protocol", `refused: ${message.payload.message}`);
        if (phase !== "verdict" || !isVerdict) return fail("wrong-protocol", "the gateway broke the order of the conversation");
        settle();
        return resolve({ tunnel, verdict: message });
      },
      onGoAway: (reason) => options.onGoAway?.(reason),
      onRedial: () => options.onRedial?.(),
      onClose: (end) => {
        fail("unreachable", `the gateway closed the connection while joining (${end.kind} ${end.detail})`);
        options.onClose?.(end);
      },
    });
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted) onAbort();
  });
}
