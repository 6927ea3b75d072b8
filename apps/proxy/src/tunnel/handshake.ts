/**
 * One connection from its TLS handshake to its verdict: challenge, one proof, READY, ENROLLED or REFUSED.
 *
 * The nonce lives in this object only, for 10 s and one proof. Whatever the peer sends, the worst that happens is that it
 * is turned away with a code.
 */
import type { GatewayDatabase, NodeAuthFacts } from "@karvon/db/sql";
import { channelBinding, type ConnectionFacts, nonceBytes } from "@karvon/security";
import type { Logger } from "@karvon/telemetry";
import { createTunnel, type MemoryPressure, type Tunnel, type TunnelEnd } from "@karvon/tunnel";
import type { ControlMessage } from "@karvon/wire";
import { randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { judgeAuth, judgeEnrolment, type NodeRefusal, refusal } from "./judge-node.ts";
import type { LiveNode } from "./live-node.ts";

export interface HandshakeHost {
  readonly gatewayId: string;
  readonly database: Pick<GatewayDatabase, "findNodeForAuth" | "advanceSessionSeq" | "enrolNode">;
  readonly log: Logger;
  readonly pressure: MemoryPressure;
  /** See TunnelOptions. */
  readonly beforeRelease: (() => void) | null;
  /** Whether this source may enrol one more device now. */
  mayEnrol(address: string): boolean;
  /** Whether the node broke a rule a short while ago. */
  isExpelled(nodeId: string): boolean;
  /** Finds the node's place and makes it; null when the connection ended meanwhile. */
  makeNode(facts: NodeAuthFacts, line: { tunnel: Tunnel; address: string; sessionSeq: number }): Promise<LiveNode | null>;
  /** The verdict is given, or the connection is gone. */
  onSettled(tunnel: Tunnel): void;
  /** READY is sent: the node may get sessions. */
  onAdmitted(node: LiveNode): void;
  onMessage(node: LiveNode, message: ControlMessage): void;
  onGoAway(node: LiveNode): void;
  onClosed(node: LiveNode, end: TunnelEnd): void;
}

const proofTimeoutMs = 10_000;
/** After ENROLLED the device leaves by itself; if not, it is left. */
const goodbyeMs = 5_000;
const protocolVersion = 1;

/** Begins the conversation and answers its tunnel. */
export function beginHandshake(host: HandshakeHost, socket: TLSSocket, address: string): Tunnel {
  return new Handshake(host, socket, address).tunnel;
}

class Handshake {
  readonly tunnel: Tunnel;
  readonly #host: HandshakeHost;
  readonly #address: string;
  readonly #connection: ConnectionFacts;
  readonly #timer: NodeJS.Timeout;
  #phase: "challenged" | "judging" | "over" = "challenged";
  #node: LiveNode | null = null;

  constructor(host: HandshakeHost, socket: TLSSocket, address: string) {
    const nonce = randomBytes(nonceBytes);
    this.#host = host;
    this.#address = address;
    this.#connection = { gatewayId: host.gatewayId, nonce, channelBinding: channelBinding(socket) };
    this.tunnel = createTunnel({
      socket,
      role: "gateway",
      pressure: host.pressure,
      beforeRelease: host.beforeRelease,
      onControl: (message) => this.#onControl(message),
      onGoAway: () => {
        if (this.#node !== null) host.onGoAway(this.#node);
      },
      onClose: (end) => {
        this.#settle();
        if (this.#node !== null) host.onClosed(this.#node, end);
      },
    });
    // The nonce dies with this timer: a proof that comes later is a stranger's.
    this.#timer = setTimeout(() => this.#turnAway(refusal("auth_timeout", "No proof came within 10 s.")), proofTimeoutMs);
    this.tunnel.sendControl("challenge", { gatewayId: host.gatewayId, nonce: nonce.toString("base64url"), protocol: protocolVersion });
  }

  #onControl(message: ControlMessage): void {
    if (this.#node !== null) return this.#host.onMessage(this.#node, message);
    if (this.#phase !== "challenged") return this.#turnAway(refusal("protocol", "One proof is asked for in a connection."));
    this.#phase = "judging";
    this.#judge(message).catch((cause: unknown) => {
      this.#host.log.error({ event: "tunnel.judge-failed", cause });
      this.#turnAway(refusal("internal", "The gateway could not check the device; try again."));
    });
  }

  async #judge(message: ControlMessage): Promise<void> {
    if (message.type === "auth") {
      const verdict = await judgeAuth(this.#host.database, this.#connection, message.payload);
      return verdict.kind === "refused" ? this.#turnAway(verdict) : this.#admit(verdict.facts, message.payload.sessionSeq);
    }
    if (message.type !== "enrol") return this.#turnAway(refusal("protocol", "A proof was expected."));
    if (!this.#host.mayEnrol(this.#address))
      return this.#turnAway(refusal("rate_limited", "Too many enrolments from this address; wait a minute."));
    const verdict = await judgeEnrolment(this.#host.database, this.#connection, message.payload);
    if (verdict.kind === "refused") return this.#turnAway(verdict);
    this.#settle();
    const { nodeId, keyId, operatorId, operatorName } = verdict;
    this.#host.log.info({ event: "node.enrolled", nodeId, operatorId, address: this.#address });
    this.tunnel.sendControl("enrolled", { nodeId, keyId, operatorName });
    setTimeout(() => this.tunnel.close(), goodbyeMs).unref();
  }

  async #admit(facts: NodeAuthFacts, sessionSeq: number): Promise<void> {
    if (this.#host.isExpelled(facts.nodeId))
      return this.#turnAway(refusal("node_suspended", "This device broke a rule; it may come back later."));
    const node = await this.#host.makeNode(facts, { tunnel: this.tunnel, address: this.#address, sessionSeq });
    if (node === null || this.#isOver() || this.tunnel.isClosed) return;
    this.#settle();
    this.#node = node;
    const { country, city, asn, asnName } = node.place;
    this.tunnel.sendControl("ready", { publicAddress: this.#address, country, city, asn, asnName });
    this.#host.onAdmitted(node);
  }

  #isOver(): boolean {
    return this.#phase === "over";
  }

  #settle(): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    clearTimeout(this.#timer);
    this.#host.onSettled(this.tunnel);
  }

  #turnAway(why: NodeRefusal): void {
    this.#settle();
    this.#host.log.warn({ event: "tunnel.refused", code: why.code, address: this.#address });
    if (this.tunnel.isClosed) return;
    this.tunnel.sendControl("refused", { code: why.code, message: why.message });
    this.tunnel.close();
  }
}
