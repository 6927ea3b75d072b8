/**
 * What gateway processes of one machine write to each other. Every letter is checked field by field when it arrives; one
 * that cannot be read is dropped, so a sibling of another version costs what it would have told and nothing else.
 *
 * Limits: 200 nodes and 2,000 loads a letter; texts of 256 characters.
 */
import { type ConnectionType } from "@karvon/domain";
import { type NodePlace } from "../tunnel/live-node.ts";

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
  | { readonly kind: "loads"; readonly loads: readonly (readonly [nodeId: string, openStreams: number])[] };

export const nodesPerLetterMax = 200;
export const loadsPerLetterMax = 2_000;
const textMax = 256;

export function readLetter(value: unknown): Letter | null {
  if (!isObject(value)) return null;
  switch (value["kind"]) {
    case "nodes": {
      const nodes = readList(value["nodes"], nodesPerLetterMax, readNode);
      const { isWhole } = value;
      return nodes === null || typeof isWhole !== "boolean" ? null : { kind: "nodes", nodes, isWhole };
    }
    case "gone": {
      const nodeIds = readList(value["nodeIds"], loadsPerLetterMax, (item) => (isText(item) ? item : null));
      return nodeIds === null ? null : { kind: "gone", nodeIds };
    }
    case "loads": {
      const loads = readList(value["loads"], loadsPerLetterMax, readPair);
      return loads === null ? null : { kind: "loads", loads };
    }
    default:
      return null;
  }
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

function readPair(value: unknown): readonly [string, number] | null {
  if (!Array.isArray(value)) return null;
  const [id, count]: unknown[] = value;
  return isText(id) && isCount(count) ? [id, count] : null;
}

function readList<Item>(value: unknown, max: number, read: (item: unknown) => Item | null): Item[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const items: Item[] = [];
  for (const raw of value) {
    const item = read(raw);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

type Fields = Readonly<Record<string, unknown>>;

function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= textMax;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isMaybe<Value>(value: unknown, is: (value: unknown) => value is Value): value is Value | null {
  return value === null || is(value);
}

const connectionTypes: ReadonlySet<unknown> = new Set(["mobile", "wifi", "residential"] satisfies ConnectionType[]);

function isConnectionType(value: unknown): value is ConnectionType {
  return connectionTypes.has(value);
}
