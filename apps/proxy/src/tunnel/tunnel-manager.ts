/**
 * Tunnel Manager: challenges every connection, admits nodes, and keeps one tunnel per node in rotation.
 *
 * It chooses no node (the router does), reads no battery (the pocket does) and counts no byte (the radar does). A newer
 * connection of a node replaces the older one, which finishes its streams and ends. Losing a tunnel ends its streams.
 *
 * Limits: 10 s from the challenge to the verdict, one proof per connection; 1,024 streams per demo node and 256 per other
 * node; 5 enrolments a minute a source; 50,000 nodes; a node that broke a rule is shut out for 10 minutes.
 */
import type { GatewayDatabase, NodeAuthFacts } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import { createTunnel, type GoAwayName, type MemoryPressure, type Tunnel, type TunnelEnd } from "@karvon/tunnel";
import type { ControlMessage } from "@karvon/wire";
import type { TLSSocket } from "node:tls";
import type { NodeDirectory } from "../router/node-directory.ts";
import type { QualityBook } from "../router/quality-book.ts";
import { sourceKey } from "../session/source-key.ts";
import { createTokenBuckets } from "../session/token-buckets.ts";
import { beginHandshake, type HandshakeHost } from "./handshake.ts";
import { type NodeRefusal, refusal, standingRefusal } from "./judge-node.ts";
import { LiveNode, type NodePlace } from "./live-node.ts";

export interface TunnelManager {
  /**
   * Takes a connection whose TLS handshake is done. `address` is the device's, not a load balancer's. Without room the
   * device is told so and sent away.
   */
  accept(socket: TLSSocket, address: string, hasRoom?: boolean): void;
  /** Asks the database again about a node and obeys: out of rotation, or out altogether. */
  recheck(node: LiveNode): Promise<void>;
  /** Shuts a node out that broke a rule, also one whose tunnel ends in a sibling. */
  expel(node: LiveNode, detail: string): void;
  /** A sibling ended the node's connection for good, and maybe shut it out. */
  dismissedElsewhere(nodeId: string, isExpelled: boolean): void;
  /** Takes a node out of rotation and ends its connection with a word why. */
  dismiss(node: LiveNode, why: NodeRefusal, goAway: GoAwayName): void;
  /** No new connections. Every node is asked to dial again, to a process that still takes them; nothing is closed. */
  sendAway(): void;
  /** The node has a newer tunnel in another process: this one takes no new streams soon and finishes what it has. */
  handOver(node: LiveNode): void;
  /** A node whose tunnel ends here, also one that was handed over and still has streams. */
  find(nodeId: string): LiveNode | null;
  /** Streams on tunnels of nodes that were handed over. */
  readonly leavingStreams: number;
  /** No new connections; every node is told to go elsewhere. */
  drain(): void;
  close(): void;
  /** Connections that were sent away because the gateway was full. */
  readonly turnedAway: number;
}

export interface TunnelManagerOptions {
  readonly gatewayId: string;
  readonly database: Pick<GatewayDatabase, "findNodeForAuth" | "advanceSessionSeq" | "enrolNode">;
  readonly directory: NodeDirectory<LiveNode>;
  readonly qualities: QualityBook;
  readonly locate: (address: string) => Promise<NodePlace>;
  /** Of this process; every tunnel looks at it. */
  readonly pressure: MemoryPressure;
  /** See TunnelOptions. */
  readonly beforeRelease: (() => void) | null;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** After the node is in rotation. */
  readonly onJoined: (node: LiveNode) => void;
  /** After the node's last tunnel is gone. */
  readonly onLeft: (node: LiveNode, end: TunnelEnd) => void;
  /** This process ended a node's connection for good: what it has elsewhere is to end too. */
  readonly onDismissed: (nodeId: string, isExpelled: boolean) => void;
  readonly onReport: (node: LiveNode, message: Extract<ControlMessage, { type: "status" | "withdraw" }>) => void;
}

const pendingMax = 2_000;
/** Of one source. */
const enrolmentsPerMinute = 5;
const nodesMax = 50_000;
const streamsPerNodeMax = 256;
const streamsPerDemoNodeMax = 1_024;
const expelledMs = 600_000;
const expelledMax = 10_000;
/** Nodes asked to dial again at once, and the time between two such groups: 10,000 nodes in 5 s. */
const sentAwayAtOnce = 100;
const sendAwayEveryMs = 50;
/** What a sibling asked for just before it knew of the move is still opened. */
const handOverGraceMs = 500;

const violation = refusal("node_suspended", "This device connected to an address that is not allowed.");

export function createTunnelManager(options: TunnelManagerOptions): TunnelManager {
  return new Manager(options);
}

class Manager implements TunnelManager, HandshakeHost {
  readonly gatewayId: string;
  readonly database: TunnelManagerOptions["database"];
  readonly log: Logger;
  readonly #options: TunnelManagerOptions;
  readonly #pending = new Set<Tunnel>();
  /** When a node that broke a rule may come back. */
  readonly #expelled = new Map<string, number>();
  readonly #enrolments: ReturnType<typeof createTokenBuckets>;
  readonly pressure: MemoryPressure;
  readonly beforeRelease: (() => void) | null;
  turnedAway = 0;
  readonly #leaving = new Map<string, LiveNode>();
  #isDraining = false;

  constructor(options: TunnelManagerOptions) {
    this.#options = options;
    this.gatewayId = options.gatewayId;
    this.database = options.database;
    this.log = options.log;
    this.pressure = options.pressure;
    this.beforeRelease = options.beforeRelease;
    this.#enrolments = createTokenBuckets({
      burst: enrolmentsPerMinute,
      perSecond: enrolmentsPerMinute / 60,
      keysMax: 10_000,
      nowMs: options.nowMs,
    });
  }

  accept(socket: TLSSocket, address: string, hasRoom = true): void {
    if (this.#isDraining) {
      socket.destroy();
      return;
    }
    if (!hasRoom || this.#pending.size >= pendingMax || this.#options.directory.size >= nodesMax) {
      this.#sendAway(socket, address);
      return;
    }
    try {
      const tunnel = beginHandshake(this, socket, address);
      if (!tunnel.isClosed) this.#pending.add(tunnel);
    } catch (cause) {
      // A peer that hung up in the very turn in which its handshake ended has no keying material any more.
      this.log.debug({ event: "tunnel.lost-early", cause });
      socket.destroy();
    }
  }

  /** A full gateway is not the device's fault: it is to hear why, and to come back. */
  #sendAway(socket: TLSSocket, address: string): void {
    this.turnedAway += 1;
    this.log.warn({ event: "tunnel.refused", code: "overloaded", address });
    const tunnel = createTunnel({ socket, role: "gateway" });
    tunnel.sendControl("refused", { code: "overloaded", message: "The gateway is full; try again later." });
    tunnel.close();
  }

  async recheck(node: LiveNode): Promise<void> {
    const { directory, onJoined } = this.#options;
    const facts = await this.database.findNodeForAuth(node.nodeId, node.keyId);
    if (directory.find(node.nodeId) !== node) return;
    const why = facts === null ? refusal("node_retired", "This device's key is no longer known.") : standingRefusal(facts);
    if (why !== null) return this.dismiss(node, why, "suspended");
    if (facts === null || node.status === facts.status) return undefined;
    node.status = facts.status;
    directory.changed(node);
    return onJoined(node);
  }

  expel(node: LiveNode, detail: string): void {
    this.log.error({ event: "node.violation", nodeId: node.nodeId, operatorId: node.operatorId, detail });
    this.#shutOut(node.nodeId);
    this.#end(node, violation, "suspended");
    this.#options.onDismissed(node.nodeId, true);
  }

  dismiss(node: LiveNode, why: NodeRefusal, goAway: GoAwayName): void {
    this.#end(node, why, goAway);
    this.#options.onDismissed(node.nodeId, false);
  }

  dismissedElsewhere(nodeId: string, isExpelled: boolean): void {
    if (isExpelled) this.#shutOut(nodeId);
    const why = isExpelled ? violation : refusal("node_suspended", "The connections of this device were ended.");
    for (const node of [this.#options.directory.find(nodeId), this.#leaving.get(nodeId)]) {
      if (node !== null && node !== undefined) this.#end(node, why, "suspended");
    }
  }

  #shutOut(nodeId: string): void {
    if (this.#expelled.size >= expelledMax) this.#expelled.clear();
    this.#expelled.set(nodeId, this.#options.nowMs() + expelledMs);
  }

  #end(node: LiveNode, why: NodeRefusal, goAway: GoAwayName): void {
    node.isDraining = true;
    this.#options.directory.changed(node);
    this.log.warn({ event: "node.dismissed", nodeId: node.nodeId, code: why.code });
    if (node.tunnel.isClosed) return;
    node.tunnel.sendControl("refused", { code: why.code, message: why.message });
    node.tunnel.goAway(goAway);
    node.tunnel.close();
  }

  sendAway(): void {
    this.#isDraining = true;
    const nodes = Array.from(this.#options.directory.list());
    const askSome = (): void => {
      for (const node of nodes.splice(0, sentAwayAtOnce)) node.tunnel.redial();
      if (nodes.length > 0) setTimeout(askSome, sendAwayEveryMs).unref();
    };
    askSome();
  }

  handOver(node: LiveNode): void {
    if (!this.#options.directory.remove(node)) return;
    this.#leaving.set(node.nodeId, node);
    this.log.info({ event: "node.handed-over", nodeId: node.nodeId, operatorId: node.operatorId });
    setTimeout(() => {
      node.isDraining = true;
      node.tunnel.goAway("replaced");
    }, handOverGraceMs).unref();
  }

  find(nodeId: string): LiveNode | null {
    return this.#options.directory.find(nodeId) ?? this.#leaving.get(nodeId) ?? null;
  }

  get leavingStreams(): number {
    let streams = 0;
    for (const node of this.#leaving.values()) streams += node.openStreams;
    return streams;
  }

  drain(): void {
    this.#isDraining = true;
    // Ending a tunnel takes its node out of the directory.
    for (const node of Array.from(this.#options.directory.list())) {
      node.isDraining = true;
      this.#options.directory.changed(node);
      node.tunnel.goAway("shutdown");
    }
  }

  close(): void {
    this.#isDraining = true;
    for (const tunnel of Array.from(this.#pending)) tunnel.close();
    for (const node of Array.from(this.#options.directory.list())) node.tunnel.close();
  }

  // What a handshake asks and tells.

  mayEnrol(address: string): boolean {
    return this.#enrolments.take(sourceKey(address));
  }

  isExpelled(nodeId: string): boolean {
    return this.#options.nowMs() < (this.#expelled.get(nodeId) ?? 0);
  }

  async makeNode(facts: NodeAuthFacts, line: { tunnel: Tunnel; address: string; sessionSeq: number }): Promise<LiveNode | null> {
    const { locate, qualities, nowMs } = this.#options;
    const { tunnel, address, sessionSeq } = line;
    const place = await locate(address);
    if (tunnel.isClosed) return null;
    return new LiveNode(facts, {
      tunnel,
      place,
      publicAddress: address,
      quality: qualities.of(facts.nodeId),
      streamsMax: facts.isDemo ? streamsPerDemoNodeMax : streamsPerNodeMax,
      connectedAtMs: nowMs(),
      sessionSeq,
    });
  }

  onSettled(tunnel: Tunnel): void {
    this.#pending.delete(tunnel);
  }

  onAdmitted(node: LiveNode): void {
    const older = this.#options.directory.put(node);
    if (older !== null) {
      older.isDraining = true;
      older.tunnel.goAway("replaced");
    }
    const { nodeId, operatorId, publicAddress, place } = node;
    this.log.info({
      event: "node.online",
      nodeId,
      operatorId,
      address: publicAddress,
      country: place.country,
      isReplacement: older !== null,
    });
    this.#options.onJoined(node);
  }

  onMessage(node: LiveNode, message: ControlMessage): void {
    if (message.type === "status" || message.type === "withdraw") this.#options.onReport(node, message);
    else this.dismiss(node, refusal("protocol", "This frame does not belong here."), "protocol");
  }

  onGoAway(node: LiveNode): void {
    node.isDraining = true;
    this.#options.directory.changed(node);
  }

  onClosed(node: LiveNode, end: TunnelEnd): void {
    node.isDraining = true;
    if (this.#leaving.get(node.nodeId) === node) this.#leaving.delete(node.nodeId);
    if (!this.#options.directory.remove(node)) return;
    this.log.info({ event: "node.offline", nodeId: node.nodeId, operatorId: node.operatorId, ended: end.kind, detail: end.detail });
    this.#options.onLeft(node, end);
  }
}
