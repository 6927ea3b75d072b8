/** What the database is told of a node: its report, presence, heartbeat and first assessment. Pure. */
import type { AssessmentRow, HeartbeatRow, NetworkKindName, PlaceColumns, PresenceRow } from "@karvon/db/sql";
import type { ControlPayloads } from "@karvon/wire";
import type { LiveNode, NodePlace, NodeReport } from "../tunnel/live-node.ts";

const networks: ReadonlySet<string> = new Set(["wifi", "cellular", "ethernet", "unknown"] satisfies NetworkKindName[]);

function isNetwork(text: string): text is NetworkKindName {
  return networks.has(text);
}

const noReport: NodeReport = {
  atMs: 0,
  batteryPercent: null,
  isCharging: null,
  network: "unknown",
  isMetered: null,
  dayBytes: 0,
  dayLimitBytes: null,
  isAccepting: true,
  reason: null,
};

export function readReport(status: ControlPayloads["status"], atMs: number): NodeReport {
  return {
    atMs,
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

export function onlineRow(gatewayId: string, node: LiveNode, nowMs: number): PresenceRow {
  return {
    ...baseRow(node, nowMs),
    ...stateOf(node),
    gatewayId,
    connectedAtMs: node.connectedAtMs,
    rttMs: node.tunnel.rttMs === null ? null : Math.round(node.tunnel.rttMs),
    openStreams: node.openStreams,
  };
}

export function offlineRow(node: LiveNode, nowMs: number): PresenceRow {
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
  const { place } = node;
  const report = node.report ?? noReport;
  return {
    nodeId: node.nodeId,
    lastSeenAtMs: nowMs,
    batteryPercent: report.batteryPercent,
    isCharging: report.isCharging,
    network: report.network,
    isMetered: report.isMetered,
    publicAddress: node.publicAddress === "" ? null : node.publicAddress,
    ...placeColumns(place),
    score: null,
    dayBytes: report.dayBytes,
    dayLimitBytes: report.dayLimitBytes,
  };
}

/** Bears the time of the report: what the device counted until then is held against what was charged until then. */
export function heartbeatRow(node: LiveNode): HeartbeatRow {
  const report = node.report ?? noReport;
  return {
    nodeId: node.nodeId,
    atMs: report.atMs,
    batteryPercent: report.batteryPercent,
    isCharging: report.isCharging,
    network: report.network,
    rttMs: node.tunnel.rttMs === null ? null : Math.round(node.tunnel.rttMs),
    openStreams: node.openStreams,
    dayBytes: report.dayBytes,
  };
}

/** What is known at connect; scores and verdicts come with the checker's own judgement. */
export function assessmentRow(node: LiveNode): AssessmentRow {
  const { place } = node;
  return {
    address: node.publicAddress,
    nodeId: node.nodeId,
    ...placeColumns(place),
    connectionType: place.lineType,
    verdict: "unrated",
    score: null,
    reasons: [],
    dataVersion: place.dataVersion,
  };
}

function placeColumns({ country, region, city, latitude, longitude, asn, asnName }: NodePlace): PlaceColumns {
  return { country, region, city, latitude, longitude, asn, asnName };
}
