/** What the gateway can offer now, counted from the router's index: in so many steps as there are places, not nodes. */
import { anywhere, type ConnectionType, factsSatisfy, type NodeCell, type NodeIndex } from "@karvon/domain";
import type { LiveNode } from "../tunnel/live-node.ts";

/** How many serving nodes a request would find. `residential` includes Wi-Fi, as it does when asked for. */
export interface NodeCount {
  readonly nodes: number;
  readonly byType: Readonly<Record<ConnectionType, number>>;
}

export interface Availability {
  readonly countries: readonly (NodeCount & { readonly country: string })[];
  readonly total: number;
}

/** The places and networks of one country. `ask` is what a username says for it: `state-…`, `city-…`, `asn-…`. */
export interface CountryPlaces extends NodeCount {
  readonly country: string;
  readonly states: readonly PlaceCount[];
  readonly cities: readonly PlaceCount[];
  readonly networks: readonly PlaceCount[];
}

export interface PlaceCount extends NodeCount {
  readonly name: string;
  readonly ask: string;
}

/** Places listed of a kind, those with most nodes first. */
export const placesMax = 1_000;

const types: readonly ConnectionType[] = ["mobile", "wifi", "residential"];

/** Most nodes first. */
export function readAvailability(index: NodeIndex<LiveNode>): Availability {
  const countries = Array.from(index.listCountries(), (country) => {
    const count = (type: ConnectionType | "any"): number => index.count({ ...anywhere, countries: [country], type });
    return { country, nodes: count("any"), byType: { mobile: count("mobile"), wifi: count("wifi"), residential: count("residential") } };
  });
  const online = countries.filter(({ nodes }) => nodes > 0);
  return { countries: online.toSorted((a, b) => b.nodes - a.nodes || (a.country < b.country ? -1 : 1)), total: index.size };
}

export function readCountryPlaces(index: NodeIndex<LiveNode>, country: string): CountryPlaces {
  const whole = new Tally();
  const states = new Tally();
  const cities = new Tally();
  const networks = new Tally();
  for (const cell of index.listCells(country)) {
    const { state, city, asn, place } = cell;
    whole.add(country, country, cell);
    if (state !== null) states.add(`state-${state}`, place.region ?? state, cell);
    if (city !== null) cities.add(`city-${city}`, place.city ?? city, cell);
    if (asn !== null) networks.add(`asn-${asn}`, place.asnName ?? `AS${asn}`, cell);
  }
  const [all = { nodes: 0, byType: { mobile: 0, wifi: 0, residential: 0 } }] = whole.list();
  return { country, nodes: all.nodes, byType: all.byType, states: states.list(), cities: cities.list(), networks: networks.list() };
}

/** Sums of cells by what a username says for them. */
class Tally {
  readonly #sums = new Map<string, { name: string; ask: string; nodes: number; byType: Record<ConnectionType, number> }>();

  add(ask: string, name: string, cell: NodeCell): void {
    const sum = this.#sums.get(ask) ?? { name, ask, nodes: 0, byType: { mobile: 0, wifi: 0, residential: 0 } };
    this.#sums.set(ask, sum);
    sum.nodes += cell.nodes;
    for (const type of types) if (factsSatisfy(cell, { ...anywhere, type })) sum.byType[type] += cell.nodes;
  }

  list(): PlaceCount[] {
    return [...this.#sums.values()].toSorted((a, b) => b.nodes - a.nodes || (a.ask < b.ask ? -1 : 1)).slice(0, placesMax);
  }
}
