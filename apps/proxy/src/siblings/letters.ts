/**
 * What gateway processes of one machine write to each other. Every letter is checked field by field when it arrives; one
 * that cannot be read is dropped, so a sibling of another version costs what it would have told and nothing else.
 *
 * Limits: 200 nodes, 2,000 loads or 16 ports a letter.
 */
import { type ConnectionType } from "@karvon/domain";
import { type NodePlace } from "../tunnel/live-node.ts";
import { type CountLetter, readCountLetter } from "./count-letters.ts";
import { type NameLetter, readNameLetter } from "./name-letters.ts";
import { type Fields, isCount, isFlag, isMaybe, isNumber, isObject, isText, readList, readText } from "./read-fields.ts";

/** A node whose tunnel ends in the process that writes. */
export interface NodeFacts {
  readonly nodeId: string;
  readonly operatorId: string;
  readonly label: string;
  readonly isDemo: boolean;
  readonly place: NodePlace;
  readonly publicAddress: string;
  readonly connectionType: ConnectionType;
  readonly scoreMicros: number | null;
  readonly isServing: boolean;
  readonly streamsMax: number;
  readonly openStreams: number;
  /** Grows with every connection of the node: the greater one is the newer. */
  readonly sessionSeq: number;
}

export type Letter =
  /** These are here, as described. `isWhole`: everything that was here has been told now. */
  | { readonly kind: "nodes"; readonly nodes: readonly NodeFacts[]; readonly isWhole: boolean }
  | { readonly kind: "gone"; readonly nodeIds: readonly string[] }
  /** Open streams by node. */
  | { readonly kind: "loads"; readonly loads: readonly (readonly [nodeId: string, openStreams: number])[] }
  /** The node's connections end everywhere; one that broke a rule is shut out. */
  | { readonly kind: "dismissed"; readonly nodeId: string; readonly isExpelled: boolean }
  /** Ports of the writer that no session may lead to. */
  | { readonly kind: "ports"; readonly ports: readonly number[] }
  | NameLetter
  | CountLetter;

export const nodesPerLetterMax = 200;
export const loadsPerLetterMax = 2_000;
const portsPerLetterMax = 16;

export function readLetter(value: unknown): Letter | null {
  if (!isObject(value)) return null;
  switch (value["kind"]) {
    case "nodes": {
      const nodes = readList(value["nodes"], nodesPerLetterMax, readNode);
      const { isWhole } = value;
      return nodes === null || typeof isWhole !== "boolean" ? null : { kind: "nodes", nodes, isWhole };
    }
    case "gone": {
      const nodeIds = readList(value["nodeIds"], loadsPerLetterMax, readText);
      return nodeIds === null ? null : { kind: "gone", nodeIds };
    }
    case "loads": {
      const loads = readList(value["loads"], loadsPerLetterMax, readPair);
      return loads === null ? null : { kind: "loads", loads };
    }
    default:
      return readNotice(value) ?? readCountLetter(value) ?? readNameLetter(value);
  }
}

function readNotice(value: Fields): Letter | null {
  const { kind, nodeId, isExpelled } = value;
  if (kind === "dismissed" && isText(nodeId) && isFlag(isExpelled)) return { kind, nodeId, isExpelled };
  const ports = kind === "ports" ? readList(value["ports"], portsPerLetterMax, readPort) : null;
  return ports === null ? null : { kind: "ports", ports };
}

function readNode(value: unknown): NodeFacts | null {
  if (!isObject(value)) return null;
  const identity = readIdentity(value);
  const state = readState(value);
  const place = readPlace(value["place"]);
  return identity === null || state === null || place === null ? null : { ...identity, ...state, place };
}

function readIdentity(
  fields: Fields,
): Pick<NodeFacts, "nodeId" | "operatorId" | "label" | "isDemo" | "publicAddress" | "sessionSeq"> | null {
  const { nodeId, operatorId, label, isDemo, publicAddress, sessionSeq } = fields;
  const isWhole = isText(nodeId) && isText(operatorId) && isText(label) && isFlag(isDemo) && isText(publicAddress) && isCount(sessionSeq);
  return isWhole ? { nodeId, operatorId, label, isDemo, publicAddress, sessionSeq } : null;
}

function readState(fields: Fields): Pick<NodeFacts, "connectionType" | "scoreMicros" | "isServing" | "streamsMax" | "openStreams"> | null {
  const { connectionType, scoreMicros, isServing, streamsMax, openStreams } = fields;
  const isWhole =
    isConnectionType(connectionType) && isMaybe(scoreMicros, isCount) && isFlag(isServing) && isCount(streamsMax) && isCount(openStreams);
  return isWhole ? { connectionType, scoreMicros, isServing, streamsMax, openStreams } : null;
}

function readPlace(value: unknown): NodePlace | null {
  if (!isObject(value)) return null;
  const { country, region, city, latitude, longitude, asn, asnName, lineType, dataVersion } = value;
  const isWhole =
    isMaybe(country, isText) &&
    isMaybe(region, isText) &&
    isMaybe(city, isText) &&
    isMaybe(latitude, isNumber) &&
    isMaybe(longitude, isNumber) &&
    isMaybe(asn, isCount) &&
    isMaybe(asnName, isText) &&
    isText(lineType) &&
    isText(dataVersion);
  return isWhole ? { country, region, city, latitude, longitude, asn, asnName, lineType, dataVersion } : null;
}

function readPort(value: unknown): number | null {
  return isCount(value) && value <= 65_535 ? value : null;
}

function readPair(value: unknown): readonly [string, number] | null {
  if (!Array.isArray(value)) return null;
  const [id, count]: unknown[] = value;
  return isText(id) && isCount(count) ? [id, count] : null;
}

const connectionTypes: ReadonlySet<unknown> = new Set(["mobile", "wifi", "residential"] satisfies ConnectionType[]);

function isConnectionType(value: unknown): value is ConnectionType {
  return connectionTypes.has(value);
}
