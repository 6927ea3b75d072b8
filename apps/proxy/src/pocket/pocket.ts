/**
 * The Pocket's side at the gateway: what devices report about themselves, and where they are now, kept for the panels.
 *
 * A report decides at once whether the node gets sessions. A withdrawal of consent closes the node in the same turn and is
 * written down until the database has it. Presence is written in batches, so that a fleet costs one statement every few
 * seconds; nothing here is needed to carry traffic.
 *
 * Limits: presence every 3 s and for a node that changed nothing every 15 s; one heartbeat per node and minute; 10,000
 * withdrawals wait for a database that is away.
 */
import type { GatewayDatabase, HeartbeatRow, NetworkKindName, PresenceRow } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import type { ControlPayloads } from "@karvon/wire";
import type { NodeDirectory } from "../router/node-directory.ts";
import { connectionTypeOf, isServing, type LiveNode, type NodeReport } from "../tunnel/live-node.ts";

export interface Pocket {
  /** The node is in rotation, or its standing changed. */
  joined(node: LiveNode): void;
  reported(node: LiveNode, status: ControlPayloads["status"]): void;
  /** Consent is withdrawn: the caller has closed the node already. */
  withdrawn(node: LiveNode): void;
  left(node: LiveNode): void;
  /** Writes what changed. Never rejects; what could not be written is written next time. */
  flush(): Promise<void>;
}

export interface PocketOptions {
  readonly gatewayId: string;
  readonly database: Pick<GatewayDatabase, "savePresence" | "saveHeartbeats" | "withdrawConsent" | "saveAssessment">;
  readonly directory: NodeDirectory;
  readonly log: Logger;
  readonly nowMs: () => number;
}

export const presenceEveryMs = 3_000;
const refreshMs = 15_000;
const heartbeatMs = 60_000;
const withdrawalsMax = 10_000;

export function createPocket(options: PocketOptions): Pocket {
  const { database, directory, log } = options;
  const changed = new Set<LiveNode>();
  const left = new Map<string, LiveNode>();
  const withdrawals = new Set<string>();
  const savedAtMs = new WeakMap<LiveNode, number>();
  const heartbeatAtMs = new WeakMap<LiveNode, number>();

  function duePresence(nowMs: number): LiveNode[] {
    return [...directory.list()].filter((node) => changed.has(node) || nowMs - (savedAtMs.get(node) ?? 0) >= refreshMs);
  }

  async function savePresence(nowMs: number): Promise<void> {
    const due = duePresence(nowMs);
    const gone = [...left.values()].filter((node) => directory.find(node.nodeId) === null);
    if (due.length + gone.length === 0) return;
    await database.savePresence([
      ...due.map((node) => onlineRow(options.gatewayId, node, nowMs)),
      ...gone.map((node) => offlineRow(node, nowMs)),
    ]);
    for (const node of due) {
      changed.delete(node);
      savedAtMs.set(node, nowMs);
    }
    for (const node of gone) if (left.get(node.nodeId) === node) left.delete(node.nodeId);
  }

  async function saveHeartbeats(nowMs: number): Promise<void> {
    const due = [...directory.list()].filter((node) => node.report !== null && nowMs - (heartbeatAtMs.get(node) ?? 0) >= heartbeatMs);
    if (due.length === 0) return;
    await database.saveHeartbeats(due.map((node) => heartbeatRow(node, nowMs)));
    for (const node of due) heartbeatAtMs.set(node, nowMs);
  }

  async function saveWithdrawals(): Promise<void> {
    for (const nodeId of withdrawals) {
      await database.withdrawConsent(nodeId);
      withdrawals.delete(nodeId);
    }
  }

  async function trying(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      log.warn({ event: "pocket.write-failed", what, cause });
    }
  }

  return {
    joined(node) {
      changed.add(node);
      left.delete(node.nodeId);
      if (savedAtMs.has(node)) return;
      void trying("assessment", () => database.saveAssessment(assessmentRow(node)));
    },
    reported(node, status) {
      const wasServing = isServing(node);
      const { connectionType } = node;
      node.report = readReport(status);
      node.lastSeenAtMs = options.nowMs();
      node.connectionType = connectionTypeOf(node.report.network, node.place.lineType);
      changed.add(node);
      if (wasServing !== isServing(node) || connectionType !== node.connectionType) directory.touch();
    },
    withdrawn(node) {
      log.info({ event: "consent.withdrawn", nodeId: node.nodeId, operatorId: node.operatorId });
      if (withdrawals.size < withdrawalsMax) withdrawals.add(node.nodeId);
      else log.error({ event: "consent.withdrawal-dropped", nodeId: node.nodeId });
      void trying("withdrawal", saveWithdrawals);
    },
    left(node) {
      changed.delete(node);
      left.set(node.nodeId, node);
    },
    async flush() {
      const nowMs = options.nowMs();
      await trying("presence", () => savePresence(nowMs));
      await trying("heartbeats", () => saveHeartbeats(nowMs));
      await trying("withdrawals", saveWithdrawals);
    },
  };
}

const networks: ReadonlySet<string> = new Set(["wifi", "cellular", "ethernet", "unknown"] satisfies NetworkKindName[]);

function isNetwork(text: string): text is NetworkKindName {
  return networks.has(text);
}

function readReport(status: ControlPayloads["status"]): NodeReport {
  return {
    batteryPercent: status.batteryPercent,
    isCharging: status.isCharging,
    network: isNetwork(status.network) ? status.network : "unknown",
    isMetered: status.isMetered,
    dayBytes: status.dayBytes,
    dayLimitBytes: status.dayLimitBytes,
    isAccepting: status.accepting,
    reason: status.reason,
  };
}

function stateOf(node: LiveNode): Pick<PresenceRow, "state" | "stateReason"> {
  if (node.isDraining) return { state: "draining", stateReason: null };
  if (node.status !== "active") return { state: "limited", stateReason: node.status };
  if (node.report !== null && !node.report.isAccepting) return { state: "limited", stateReason: node.report.reason };
  return { state: node.openStreams > 0 ? "serving" : "idle", stateReason: null };
}

function onlineRow(gatewayId: string, node: LiveNode, nowMs: number): PresenceRow {
  return {
    ...baseRow(node, nowMs),
    ...stateOf(node),
    gatewayId,
    connectedAtMs: node.connectedAtMs,
    rttMs: node.tunnel.rttMs === null ? null : Math.round(node.tunnel.rttMs),
    openStreams: node.openStreams,
  };
}

function offlineRow(node: LiveNode, nowMs: number): PresenceRow {
  return {
    ...baseRow(node, nowMs),
    state: "offline",
    stateReason: null,
    gatewayId: null,
    connectedAtMs: null,
    rttMs: null,
    openStreams: 0,
  };
}

function baseRow(
  node: LiveNode,
  nowMs: number,
): Omit<PresenceRow, "state" | "stateReason" | "gatewayId" | "connectedAtMs" | "rttMs" | "openStreams"> {
  const { place, report } = node;
  return {
    nodeId: node.nodeId,
    lastSeenAtMs: nowMs,
    batteryPercent: report?.batteryPercent ?? null,
    isCharging: report?.isCharging ?? null,
    network: report?.network ?? "unknown",
    isMetered: report?.isMetered ?? null,
    publicAddress: node.publicAddress === "" ? null : node.publicAddress,
    country: place.country,
    region: place.region,
    city: place.city,
    latitude: place.latitude,
    longitude: place.longitude,
    asn: place.asn,
    asnName: place.asnName,
    score: null,
    dayBytes: report?.dayBytes ?? 0,
    dayLimitBytes: report?.dayLimitBytes ?? null,
  };
}

function heartbeatRow(node: LiveNode, nowMs: number): HeartbeatRow {
  return {
    nodeId: node.nodeId,
    atMs: nowMs,
    batteryPercent: node.report?.batteryPercent ?? null,
    isCharging: node.report?.isCharging ?? null,
    network: node.report?.network ?? "unknown",
    rttMs: node.tunnel.rttMs === null ? null : Math.round(node.tunnel.rttMs),
    openStreams: node.openStreams,
    dayBytes: node.report?.dayBytes ?? 0,
  };
}

/** What is known at connect; scores and verdicts come with the checker's own judgement. */
function assessmentRow(node: LiveNode): Parameters<PocketOptions["database"]["saveAssessment"]>[0] {
  const { place } = node;
  return {
    address: node.publicAddress,
    nodeId: node.nodeId,
    country: place.country,
    region: place.region,
    city: place.city,
    latitude: place.latitude,
    longitude: place.longitude,
    asn: place.asn,
    asnName: place.asnName,
    connectionType: place.lineType,
    verdict: "unrated",
    score: null,
    reasons: [],
    dataVersion: place.dataVersion,
  };
}
