/**
 * What a request may ask of its exit, and which nodes satisfy it. Pure: no clock, no chance, no I/O.
 *
 * A wish is strict: a node either satisfies every part of it or is not a candidate. Widening is a different wish
 * (`widenWish`), made only when the username says `fallback`.
 */
import type { Ask, ConnectionType, Widening } from "../ask.ts";
import { placeSlug } from "./place-slug.ts";

/** Where an exit is, as far as GeoIP knows. `country` is ISO 3166-1 alpha-2 in upper case. */
export interface ExitPlace {
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  readonly asn: number | null;
  readonly asnName: string | null;
}

/** What a wish is compared with. */
export interface ExitFacts extends ExitPlace {
  readonly connectionType: ConnectionType;
}

/** The part of an ask that a single node can satisfy. `residential` takes Wi-Fi and wired lines alike: both end in a home. */
export type RouteWish = Pick<Ask, "countries" | "state" | "city" | "asn" | "isp" | "carrier" | "type">;

export const anywhere: RouteWish = { countries: [], state: null, city: null, asn: null, isp: null, carrier: null, type: "any" };

/** The facts of a node as wishes name them: places and provider as slugs. Nodes with equal facts are equal to every wish. */
export interface RouteFacts {
  readonly country: string | null;
  readonly state: string | null;
  readonly city: string | null;
  readonly asn: number | null;
  readonly provider: string | null;
  readonly type: ConnectionType;
}

export function routeFacts(node: ExitFacts): RouteFacts {
  return {
    country: node.country,
    state: node.region === null ? null : placeSlug(node.region),
    city: node.city === null ? null : placeSlug(node.city),
    asn: node.asn,
    provider: node.asnName === null ? null : placeSlug(node.asnName),
    type: node.connectionType,
  };
}

export function factsSatisfy(facts: RouteFacts, wish: RouteWish): boolean {
  return typeSatisfies(facts.type, wish.type) && isAtPlace(facts, wish) && isInNetwork(facts, wish);
}

export function nodeSatisfies(node: ExitFacts, wish: RouteWish): boolean {
  return factsSatisfy(routeFacts(node), wish);
}

function typeSatisfies(has: ConnectionType, asked: RouteWish["type"]): boolean {
  if (asked === "any" || asked === has) return true;
  return asked === "residential" && has === "wifi";
}

function isAtPlace(facts: RouteFacts, wish: RouteWish): boolean {
  if (wish.countries.length > 0 && (facts.country === null || !wish.countries.includes(facts.country))) return false;
  if (wish.state !== null && facts.state !== wish.state) return false;
  return wish.city === null || facts.city === wish.city;
}

/** Providers register long names ("Uzbektelekom Joint Stock Company"), so the beginning is enough. A carrier is a mobile provider. */
function isInNetwork(facts: RouteFacts, wish: RouteWish): boolean {
  if (wish.asn !== null && facts.asn !== wish.asn) return false;
  if (wish.isp !== null && !(facts.provider?.startsWith(wish.isp) ?? false)) return false;
  return wish.carrier === null || (facts.type === "mobile" && (facts.provider?.startsWith(wish.carrier) ?? false));
}

/** The parts of a wish in the order in which they narrow, with a word for each that a person understands. */
const parts: readonly { readonly part: keyof RouteWish; readonly label: (wish: RouteWish) => string }[] = [
  { part: "countries", label: (wish) => `country ${wish.countries.join(".")}` },
  { part: "state", label: (wish) => `state ${wish.state}` },
  { part: "city", label: (wish) => `city ${wish.city}` },
  { part: "asn", label: (wish) => `asn ${wish.asn}` },
  { part: "isp", label: (wish) => `isp ${wish.isp}` },
  { part: "carrier", label: (wish) => `carrier ${wish.carrier}` },
  { part: "type", label: (wish) => `type ${wish.type}` },
];

function isAsked(wish: RouteWish, part: keyof RouteWish): boolean {
  if (part === "countries") return wish.countries.length > 0;
  if (part === "type") return wish.type !== "any";
  return wish[part] !== null;
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
 * Why a wish found nobody: how many nodes each asked part left, for example
 * `12 nodes online; country UZ left 3, type mobile left 0`. `count` says how many serving nodes satisfy a wish.
 */
export function explainEmptyRoute(wish: RouteWish, count: (wish: RouteWish) => number): string {
  let asked = anywhere;
  let left = count(asked);
  const words = [`${left} ${left === 1 ? "node" : "nodes"} online`];
  const steps: string[] = [];
  for (const { part, label } of parts) {
    if (!isAsked(wish, part)) continue;
    asked = { ...asked, [part]: wish[part] };
    // What nobody was left for stays empty whatever else is asked.
    left = left === 0 ? 0 : count(asked);
    steps.push(`${label(wish)} left ${left}`);
  }
  if (left > 0) steps.push(`of these ${left} none is free or untried`);
  if (steps.length > 0) words.push(steps.join(", "));
  return words.join("; ");
}
