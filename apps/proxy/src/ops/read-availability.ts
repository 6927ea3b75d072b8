import { type ConnectionType, factsSatisfy, anywhere, type NodeIndex } from "@karvon/domain";
import type { LiveNode } from "../tunnel/live-node.ts";
import type { Availability } from "./listen-ops.ts";

/**
 * How many serving nodes a request would find, by country and type, most first. `residential` includes Wi-Fi, as it does
 * when asked for. Costs one step for every distinct place, network and type, not for every node.
 */
export function readAvailability(index: NodeIndex<LiveNode>): Availability {
  const byCountry = new Map<string, { nodes: number; byType: Record<ConnectionType, number> }>();
  for (const cell of index.listCells()) {
    const { country, nodes } = cell;
    if (country === null) continue;
    const sum = byCountry.get(country) ?? { nodes: 0, byType: { mobile: 0, wifi: 0, residential: 0 } };
    byCountry.set(country, sum);
    sum.nodes += nodes;
    for (const type of types) if (factsSatisfy(cell, { ...anywhere, type })) sum.byType[type] += nodes;
  }
  const countries = [...byCountry].map(([country, sum]) => ({ country, ...sum }));
  return { countries: countries.toSorted((a, b) => b.nodes - a.nodes || (a.country < b.country ? -1 : 1)), total: index.size };
}

const types: readonly ConnectionType[] = ["mobile", "wifi", "residential"];
