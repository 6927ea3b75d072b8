import { nodeSatisfies, anywhere, type ConnectionType } from "@karvon/domain";
import type { LiveNode } from "../tunnel/live-node.ts";
import type { Availability } from "./listen-ops.ts";

/** How many serving nodes a request would find, by country and type, most first. `residential` includes Wi-Fi, as it does when asked for. */
export function readAvailability(serving: readonly LiveNode[]): Availability {
  const byCountry = new Map<string, LiveNode[]>();
  for (const node of serving) {
    if (node.country === null) continue;
    const nodes = byCountry.get(node.country);
    if (nodes === undefined) byCountry.set(node.country, [node]);
    else nodes.push(node);
  }
  const countries = [...byCountry].map(([country, nodes]) => ({
    country,
    nodes: nodes.length,
    byType: { mobile: count(nodes, "mobile"), wifi: count(nodes, "wifi"), residential: count(nodes, "residential") },
  }));
  return { countries: countries.toSorted((a, b) => b.nodes - a.nodes || (a.country < b.country ? -1 : 1)), total: serving.length };
}

function count(nodes: readonly LiveNode[], type: ConnectionType): number {
  return nodes.filter((node) => nodeSatisfies(node, { ...anywhere, type })).length;
}
