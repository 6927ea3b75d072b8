/** A node whose tunnel is open: what routing, sessions and presence need to know of it. */
import type { KeyAlgorithmName, NetworkKindName, NodeStatusName } from "@karvon/db/sql";
import type { ConnectionType, RouteNode } from "@karvon/domain";
import type { Tunnel } from "@karvon/tunnel";

/** What GeoIP says of the public address. Countries are upper case. */
export interface NodePlace {
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly asn: number | null;
  readonly asnName: string | null;
  /** What the network's owner sells, as far as its name tells. */
  readonly lineType: string;
  readonly dataVersion: string;
}

export const unknownPlace: NodePlace = {
  country: null,
  region: null,
  city: null,
  latitude: null,
  longitude: null,
  asn: null,
  asnName: null,
  lineType: "unknown",
  dataVersion: "none",
};

/** What the device reported last. Null until the first STATUS. */
export interface NodeReport {
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  readonly network: NetworkKindName;
  readonly isMetered: boolean | null;
  readonly dayBytes: number;
  readonly dayLimitBytes: number | null;
  readonly isAccepting: boolean;
  readonly reason: string | null;
}

export interface LiveNode extends RouteNode {
  readonly nodeId: string;
  readonly operatorId: string;
  readonly keyId: string;
  readonly algorithm: KeyAlgorithmName;
  readonly label: string;
  readonly isDemo: boolean;
  readonly tunnel: Tunnel;
  readonly place: NodePlace;
  /** The address that targets see; null when the node dialled from a private one. */
  readonly publicAddress: string;
  readonly connectedAtMs: number;
  readonly streamsMax: number;
  connectionType: ConnectionType;
  streamsGiven: number;
  status: NodeStatusName;
  report: NodeReport | null;
  /** No new sessions although the tunnel lives: the node asked for rest, is being replaced, or broke a rule. */
  isDraining: boolean;
  lastSeenAtMs: number;
}

/** Whether new sessions may go to the node at all. Whether one more fits is `hasRoom`. */
export function isServing(node: LiveNode): boolean {
  return node.status === "active" && !node.isDraining && (node.report?.isAccepting ?? true) && !node.tunnel.isClosed;
}

export function hasRoom(node: LiveNode): boolean {
  return node.tunnel.mayOpen && node.openStreams < node.streamsMax;
}

/** Cellular is mobile, Wi-Fi is Wi-Fi, and a wired or unnamed line counts as residential. */
export function connectionTypeOf(network: NetworkKindName, lineType: string): ConnectionType {
  if (network === "cellular") return "mobile";
  if (network === "wifi") return "wifi";
  return network === "unknown" && lineType === "mobile" ? "mobile" : "residential";
}
