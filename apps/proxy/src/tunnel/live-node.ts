/** A node whose tunnel is open: what routing, sessions and presence need to know of it. */
import type { KeyAlgorithmName, NetworkKindName, NodeAuthFacts, NodeStatusName, PlaceColumns } from "@karvon/db/sql";
import type { ConnectionType, NodeQuality, RoutableNode } from "@karvon/domain";
import type { Tunnel } from "@karvon/tunnel";

/** What GeoIP says of the public address. */
export interface NodePlace extends PlaceColumns {
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
  /** When it came. */
  readonly atMs: number;
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  readonly network: NetworkKindName;
  readonly isMetered: boolean | null;
  readonly dayBytes: number;
  readonly dayLimitBytes: number | null;
  readonly isAccepting: boolean;
  readonly reason: string | null;
}

/** What is known of a node when its tunnel is admitted. */
export interface NodeLine {
  readonly tunnel: Tunnel;
  readonly place: NodePlace;
  readonly publicAddress: string;
  readonly quality: NodeQuality;
  readonly streamsMax: number;
  readonly connectedAtMs: number;
  /** What the node proved at its last AUTH: of two connections the one with the greater number is the newer. */
  readonly sessionSeq: number;
}

/** Who the node is, as its account says. */
export type NodeStanding = Pick<NodeAuthFacts, "nodeId" | "operatorId" | "keyId" | "algorithm" | "label" | "isDemo" | "status">;

export class LiveNode implements RoutableNode {
  readonly nodeId: string;
  readonly operatorId: string;
  readonly keyId: string;
  readonly algorithm: KeyAlgorithmName;
  readonly label: string;
  readonly isDemo: boolean;
  readonly tunnel: Tunnel;
  readonly place: NodePlace;
  readonly publicAddress: string;
  readonly quality: NodeQuality;
  readonly streamsMax: number;
  readonly connectedAtMs: number;
  readonly sessionSeq: number;
  connectionType: ConnectionType;
  scoreMicros: number | null = null;
  status: NodeStatusName;
  report: NodeReport | null = null;
  /** No new sessions although the tunnel lives: the node asked for rest, is being replaced, or broke a rule. */
  isDraining = false;
  lastSeenAtMs: number;

  constructor(facts: NodeStanding, line: NodeLine) {
    this.nodeId = facts.nodeId;
    this.operatorId = facts.operatorId;
    this.keyId = facts.keyId;
    this.algorithm = facts.algorithm;
    this.label = facts.label;
    this.isDemo = facts.isDemo;
    this.status = facts.status;
    this.tunnel = line.tunnel;
    this.place = line.place;
    this.publicAddress = line.publicAddress;
    this.quality = line.quality;
    this.streamsMax = line.streamsMax;
    this.connectedAtMs = line.connectedAtMs;
    this.sessionSeq = line.sessionSeq;
    this.lastSeenAtMs = line.connectedAtMs;
    this.connectionType = connectionTypeOf("unknown", line.place.lineType);
  }

  get isServing(): boolean {
    return this.status === "active" && !this.isDraining && (this.report?.isAccepting ?? true) && !this.tunnel.isClosed;
  }

  get hasRoom(): boolean {
    return this.tunnel.mayOpen && this.tunnel.openStreams < this.streamsMax;
  }

  get openStreams(): number {
    return this.tunnel.openStreams;
  }

  get batteryPercent(): number | null {
    return this.report?.batteryPercent ?? null;
  }

  get isCharging(): boolean | null {
    return this.report?.isCharging ?? null;
  }

  get country(): string | null {
    return this.place.country;
  }

  get region(): string | null {
    return this.place.region;
  }

  get city(): string | null {
    return this.place.city;
  }

  get asn(): number | null {
    return this.place.asn;
  }

  get asnName(): string | null {
    return this.place.asnName;
  }
}

/** Cellular is mobile, Wi-Fi is Wi-Fi, and a wired or unnamed line counts as residential. */
export function connectionTypeOf(network: NetworkKindName, lineType: string): ConnectionType {
  if (network === "cellular") return "mobile";
  if (network === "wifi") return "wifi";
  return network === "unknown" && lineType === "mobile" ? "mobile" : "residential";
}
