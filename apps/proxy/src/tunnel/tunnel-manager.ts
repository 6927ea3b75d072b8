/**
 * Tunnel Manager: challenges every connection, admits nodes, and keeps one tunnel per node in rotation.
 *
 * It chooses no node (the router does), reads no battery (the pocket does) and counts no byte (the radar does). A newer
 * connection of a node replaces the older one, which finishes its streams and ends. Losing a tunnel ends its streams.
 *
 * Limits: 10 s from the challenge to the verdict, one proof per connection; 1,024 streams per demo node and 256 per other
 * node; 5 enrolments a minute a source; 10,000 nodes; a node that broke a rule is shut out for 10 minutes.
 */
import type { GatewayDatabase, NodeAuthFacts } from "@karvon/db/sql";
import { channelBinding, type ConnectionFacts, nonceBytes } from "@karvon/security";
import { createTunnel, type GoAwayName, type Tunnel, type TunnelEnd } from "@karvon/tunnel";
import type { Logger } from "@karvon/telemetry";
import type { ControlMessage } from "@karvon/wire";
import { randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { NodeDirectory } from "../router/node-directory.ts";
import { sourceKey } from "../session/source-key.ts";
import { createTokenBuckets } from "../session/token-buckets.ts";
import { judgeAuth, judgeEnrolment, type NodeRefusal, refusal, standingRefusal } from "./judge-node.ts";
import { connectionTypeOf, type LiveNode, type NodePlace } from "./live-node.ts";

export interface TunnelManager {
  /** Takes a connection whose TLS handshake is done. `address` is the device's, not a load balancer's. */
  accept(socket: TLSSocket, address: string): void;
  /** Asks the database again about a node and obeys: out of rotation, or out altogether. */
  recheck(node: LiveNode): Promise<void>;
  /** Shuts a node out that broke a rule. */
  expel(node: LiveNode, detail: string): void;
  /** Takes a node out of rotation and ends its connection with a word why. */
  dismiss(node: LiveNode, why: NodeRefusal, goAway: GoAwayName): void;
  /** No new connections; every node is told to go elsewhere. */
  drain(): void;
  close(): void;
  readonly pendingCount: number;
}

export interface TunnelManagerOptions {
  readonly gatewayId: string;
  readonly database: Pick<GatewayDatabase, "findNodeForAuth" | "advanceSessionSeq" | "enrolNode">;
  readonly directory: NodeDirectory;
  readonly locate: (address: string) => Promise<NodePlace>;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** After the node is in rotation. */
  readonly onJoined: (node: LiveNode) => void;
  /** After the node's last tunnel is gone. */
  readonly onLeft: (node: LiveNode, end: TunnelEnd) => void;
  readonly onReport: (node: LiveNode, message: Extract<ControlMessage, { type: "status" | "withdraw" }>) => void;
}

const proofTimeoutMs = 10_000;
const pendingMax = 2_000;
const nodesMax = 10_000;
const streamsPerNodeMax = 256;
const streamsPerDemoNodeMax = 1_024;
const expelledMs = 600_000;
const expelledMax = 10_000;
/** After ENROLLED the device leaves by itself; if not, it is left. */
const goodbyeMs = 5_000;
const protocolVersion = 1;

export function createTunnelManager(options: TunnelManagerOptions): TunnelManager {
  const { directory, log, database } = options;
  const pending = new Set<Tunnel>();
  const expelled = new Map<string, number>();
  const enrolments = createTokenBuckets({ burst: 5, perSecond: 5 / 60, keysMax: 10_000, nowMs: options.nowMs });
  let isDraining = false;

  function accept(socket: TLSSocket, address: string): void {
    if (isDraining || pending.size >= pendingMax || directory.size >= nodesMax) {
      socket.destroy();
      return;
    }
    const nonce = randomBytes(nonceBytes);
    const connection: ConnectionFacts = { gatewayId: options.gatewayId, nonce, channelBinding: channelBinding(socket) };
    let phase: "challenged" | "judging" | "over" = "challenged";
    let node: LiveNode | null = null;

    const tunnel = createTunnel({
      socket,
      role: "gateway",
      onControl(message) {
        if (node !== null) onNodeMessage(node, message);
        else if (phase === "challenged") onProof(message);
        else turnAway(refusal("protocol", "One proof is asked for in a connection."));
      },
      onGoAway() {
        if (node === null) return;
        node.isDraining = true;
        directory.touch();
      },
      onClose(end) {
        settle();
        if (node !== null) onTunnelClosed(node, end);
      },
    });
    // The nonce dies with this timer: a proof that comes later is a stranger's.
    const timer = setTimeout(() => turnAway(refusal("auth_timeout", "No proof came within 10 s.")), proofTimeoutMs);
    pending.add(tunnel);
    tunnel.sendControl("challenge", { gatewayId: options.gatewayId, nonce: nonce.toString("base64url"), protocol: protocolVersion });

    function settle(): void {
      phase = "over";
      clearTimeout(timer);
      pending.delete(tunnel);
    }
    function turnAway(why: NodeRefusal): void {
      settle();
      log.warn({ event: "tunnel.refused", code: why.code, address });
      if (tunnel.isClosed) return;
      tunnel.sendControl("refused", { code: why.code, message: why.message });
      tunnel.close();
    }
    function onProof(message: ControlMessage): void {
      phase = "judging";
      judge(message).catch((cause: unknown) => {
        log.error({ event: "tunnel.judge-failed", cause });
        turnAway(refusal("internal", "The gateway could not check the device; try again."));
      });
    }
    async function judge(message: ControlMessage): Promise<void> {
      if (message.type === "auth") return admit(await judgeAuth(database, connection, message.payload));
      if (message.type !== "enrol") return turnAway(refusal("protocol", "A proof was expected."));
      if (!enrolments.take(sourceKey(address)))
        return turnAway(refusal("rate_limited", "Too many enrolments from this address; wait a minute."));
      const verdict = await judgeEnrolment(database, connection, message.payload);
      if (verdict.kind === "refused") return turnAway(verdict);
      settle();
      log.info({ event: "node.enrolled", nodeId: verdict.nodeId, operatorId: verdict.operatorId, address });
      tunnel.sendControl("enrolled", { nodeId: verdict.nodeId, keyId: verdict.keyId, operatorName: verdict.operatorName });
      setTimeout(() => tunnel.close(), goodbyeMs).unref();
    }
    async function admit(verdict: Awaited<ReturnType<typeof judgeAuth>>): Promise<void> {
      if (verdict.kind === "refused") return turnAway(verdict);
      const expelledUntilMs = expelled.get(verdict.facts.nodeId) ?? 0;
      if (options.nowMs() < expelledUntilMs)
        return turnAway(refusal("node_suspended", "This device broke a rule; it may come back later."));
      const place = await options.locate(address);
      if (phase === "over" || tunnel.isClosed) return;
      settle();
      node = makeNode(verdict.facts, { tunnel, place, address, nowMs: options.nowMs() });
      tunnel.sendControl("ready", {
        publicAddress: address,
        country: place.country,
        city: place.city,
        asn: place.asn,
        asnName: place.asnName,
      });
      join(node);
    }
  }

  function join(node: LiveNode): void {
    const older = directory.put(node);
    if (older !== null) {
      older.isDraining = true;
      older.tunnel.goAway("replaced");
    }
    log.info({
      event: "node.online",
      nodeId: node.nodeId,
      operatorId: node.operatorId,
      address: node.publicAddress,
      country: node.place.country,
      isReplacement: older !== null,
    });
    options.onJoined(node);
  }

  function onNodeMessage(node: LiveNode, message: ControlMessage): void {
    if (message.type === "status" || message.type === "withdraw") options.onReport(node, message);
    else dismiss(node, refusal("protocol", "This frame does not belong here."), "protocol");
  }

  function onTunnelClosed(node: LiveNode, end: TunnelEnd): void {
    node.isDraining = true;
    if (!directory.remove(node)) return;
    log.info({ event: "node.offline", nodeId: node.nodeId, operatorId: node.operatorId, ended: end.kind, detail: end.detail });
    options.onLeft(node, end);
  }

  function dismiss(node: LiveNode, why: NodeRefusal, goAway: GoAwayName): void {
    node.isDraining = true;
    directory.touch();
    log.warn({ event: "node.dismissed", nodeId: node.nodeId, code: why.code });
    if (node.tunnel.isClosed) return;
    node.tunnel.sendControl("refused", { code: why.code, message: why.message });
    node.tunnel.goAway(goAway);
    node.tunnel.close();
  }

  return {
    accept,
    dismiss,
    async recheck(node) {
      const facts = await database.findNodeForAuth(node.nodeId, node.keyId);
      if (directory.find(node.nodeId) !== node) return;
      const why = facts === null ? refusal("node_retired", "This device's key is no longer known.") : standingRefusal(facts);
      if (why !== null) dismiss(node, why, "suspended");
      else if (facts !== null && node.status !== facts.status) {
        node.status = facts.status;
        directory.touch();
        options.onJoined(node);
      }
    },
    expel(node, detail) {
      log.error({ event: "node.violation", nodeId: node.nodeId, operatorId: node.operatorId, detail });
      if (expelled.size >= expelledMax) expelled.clear();
      expelled.set(node.nodeId, options.nowMs() + expelledMs);
      dismiss(node, refusal("node_suspended", "This device connected to an address that is not allowed."), "suspended");
    },
    drain() {
      isDraining = true;
      for (const node of directory.list()) {
        node.isDraining = true;
        node.tunnel.goAway("shutdown");
      }
      directory.touch();
    },
    close() {
      isDraining = true;
      for (const tunnel of pending) tunnel.close();
      for (const node of [...directory.list()]) node.tunnel.close();
    },
    get pendingCount() {
      return pending.size;
    },
  };
}

function makeNode(facts: NodeAuthFacts, line: { tunnel: Tunnel; place: NodePlace; address: string; nowMs: number }): LiveNode {
  const { tunnel, place } = line;
  return {
    nodeId: facts.nodeId,
    operatorId: facts.operatorId,
    keyId: facts.keyId,
    algorithm: facts.algorithm,
    label: facts.label,
    isDemo: facts.isDemo,
    tunnel,
    place,
    country: place.country,
    region: place.region,
    city: place.city,
    asn: place.asn,
    asnName: place.asnName,
    publicAddress: line.address,
    connectedAtMs: line.nowMs,
    streamsMax: facts.isDemo ? streamsPerDemoNodeMax : streamsPerNodeMax,
    connectionType: connectionTypeOf("unknown", place.lineType),
    streamsGiven: 0,
    status: facts.status,
    report: null,
    isDraining: false,
    lastSeenAtMs: line.nowMs,
    get openStreams() {
      return tunnel.openStreams;
    },
  };
}
