/**
 * What a request may ask of its exit, and which nodes satisfy it. Pure: no clock, no chance, no I/O.
 *
 * A wish is strict: a node either satisfies every part of it or is not a candidate. Widening is a different wish
 * (`widenWish`), made only when the username says `fallback`.
 */
import type { Ask, ConnectionType, Widening } from "../ask.ts";

/** Where an exit is, as far as GeoIP knows. `country` is ISO 3166-1 alpha-2 in upper case. */
export interface ExitPlace {
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  readonly asn: number | null;
  readonly asnName: string | null;
}

/** The facts about a node that a choice is made from. */
export interface RouteNode extends ExitPlace {
  readonly connectionType: ConnectionType;
  /** Streams open on the node now. */
  readonly openStreams: number;
  /** Streams ever given to the node; breaks ties between idle nodes. */
  readonly streamsGiven: number;
}

/** The part of an ask that a single node can satisfy. `residential` takes Wi-Fi and wired lines alike: both end in a home. */
export type RouteWish = Pick<Ask, "countries" | "state" | "city" | "asn" | "isp" | "carrier" | "type">;

export const anywhere: RouteWish = { countries: [], state: null, city: null, asn: null, isp: null, carrier: null, type: "any" };

/** Lower case, without accents, spaces, underscores, plus signs, dots, hyphens and apostrophes; a leading `us_` is dropped. */
export function placeSlug(name: string): string {
  return name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/^us_/, "")
    .replace(/[\u0300-\u036f\s_+.'‘’ʻ-]/g, "");
}

/** The parts of a wish in the order in which they narrow, with a word for each that a person understands. */
const filters: readonly RouteFilter[] = [
  {
    part: "countries",
    label: (wish) => `country ${wish.countries.join(".")}`,
    keeps: (node, wish) => node.country !== null && wish.countries.includes(node.country),
  },
  { part: "state", label: (wish) => `state ${wish.state}`, keeps: (node, wish) => isPlace(node.region, wish.state) },
  { part: "city", label: (wish) => `city ${wish.city}`, keeps: (node, wish) => isPlace(node.city, wish.city) },
  { part: "asn", label: (wish) => `asn ${wish.asn}`, keeps: (node, wish) => node.asn === wish.asn },
  { part: "isp", label: (wish) => `isp ${wish.isp}`, keeps: (node, wish) => isProvider(node, wish.isp) },
  {
    part: "carrier",
    label: (wish) => `carrier ${wish.carrier}`,
    keeps: (node, wish) => node.connectionType === "mobile" && isProvider(node, wish.carrier),
  },
  { part: "type", label: (wish) => `type ${wish.type}`, keeps: (node, wish) => typeSatisfies(node.connectionType, wish.type) },
];

interface RouteFilter {
  readonly part: keyof RouteWish;
  readonly label: (wish: RouteWish) => string;
  readonly keeps: (node: RouteNode, wish: RouteWish) => boolean;
}

function isAsked(wish: RouteWish, part: keyof RouteWish): boolean {
  if (part === "countries") return wish.countries.length > 0;
  if (part === "type") return wish.type !== "any";
  return wish[part] !== null;
}

function isPlace(name: string | null, slug: string | null): boolean {
  return name !== null && placeSlug(name) === slug;
}

/** Providers register long names ("Uzbektelekom Joint Stock Company"), so the beginning is enough. */
function isProvider(node: RouteNode, slug: string | null): boolean {
  return node.asnName !== null && slug !== null && placeSlug(node.asnName).startsWith(slug);
}

function typeSatisfies(has: ConnectionType, asked: RouteWish["type"]): boolean {
  if (asked === "any" || asked === has) return true;
  return asked === "residential" && has === "wifi";
}

export function nodeSatisfies(node: RouteNode, wish: RouteWish): boolean {
  return filters.every((filter) => !isAsked(wish, filter.part) || filter.keeps(node, wish));
}

/** Equal wishes have equal keys. */
export function wishKey(wish: RouteWish): string {
  const countries = wish.countries.length > 1 ? wish.countries.toSorted().join(".") : (wish.countries[0] ?? "");
  return `${countries}|${wish.state ?? ""}|${wish.city ?? ""}|${wish.asn ?? ""}|${wish.isp ?? ""}|${wish.carrier ?? ""}|${wish.type}`;
}

/** The same wish with the places below `to` forgotten. Network and type stay: they are not places. */
export function widenWish(wish: RouteWish, to: Exclude<Widening, "none">): RouteWish {
  if (to === "state") return { ...wish, city: null };
  if (to === "country") return { ...wish, city: null, state: null };
  return { ...wish, city: null, state: null, countries: [] };
}

/**
 * How many of `nodes` each asked part left, for example `12 nodes online; country UZ left 3, type mobile left 0`.
 * Looks at every node once per part; callers use it only for the refusal.
 */
export function explainEmptyRoute(nodes: Iterable<RouteNode>, wish: RouteWish): string {
  let left = [...nodes];
  const words = [`${left.length} ${left.length === 1 ? "node" : "nodes"} online`];
  const steps: string[] = [];
  for (const filter of filters) {
    if (!isAsked(wish, filter.part)) continue;
    left = left.filter((node) => filter.keeps(node, wish));
    steps.push(`${filter.label(wish)} left ${left.length}`);
  }
  if (left.length > 0) steps.push(`of these ${left.length} none is free or untried`);
  if (steps.length > 0) words.push(steps.join(", "));
  return words.join("; ");
}
