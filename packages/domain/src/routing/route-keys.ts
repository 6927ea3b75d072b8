/**
 * The buckets a node stands in, and the buckets a wish can be drawn from. Pure.
 *
 * There are six kinds of bucket (everybody, country, state, city, network, provider), each once for every type that may be
 * asked for. A node of one type stands in at most three of a kind, and always at the same slot of its row.
 */
import type { RouteFacts, RouteWish } from "./route-wish.ts";

export type AskedType = RouteWish["type"];

const columns = 3;
const ownColumn = 1;
/** `residential` takes Wi-Fi lines too, so those stand in both. */
const homeColumn = 2;

export const everybodyKey = "*";
export const countryKey = (country: string): string => `c${country}`;
export const stateKey = (country: string, state: string): string => `s${country}|${state}`;
export const cityKey = (country: string, city: string): string => `t${country}|${city}`;
export const asnKey = (asn: number): string => `a${asn}`;
export const providerKey = (slug: string): string => `p${slug}`;

export function typedKey(key: string, type: AskedType): string {
  return type === "any" ? key : `${key}/${type}`;
}

export interface BucketKey {
  readonly key: string;
  /** 0 to 17, the same for all buckets of one kind and column. */
  readonly slot: number;
}

export function bucketKeys(facts: RouteFacts): BucketKey[] {
  const { country, state, city, asn, provider } = facts;
  const kinds = [
    everybodyKey,
    country === null ? null : countryKey(country),
    country === null || state === null ? null : stateKey(country, state),
    country === null || city === null ? null : cityKey(country, city),
    asn === null ? null : asnKey(asn),
    provider === null ? null : providerKey(provider),
  ];
  return kinds.flatMap((key, kind) => (key === null ? [] : keysOfKind(key, kind * columns, facts)));
}

function keysOfKind(key: string, slot: number, { type }: RouteFacts): BucketKey[] {
  const keys: BucketKey[] = [{ key, slot }];
  if (type !== "residential") keys.push({ key: typedKey(key, type), slot: slot + ownColumn });
  if (type !== "mobile") keys.push({ key: typedKey(key, "residential"), slot: slot + homeColumn });
  return keys;
}

/** Where to look for a wish: every node that satisfies it stands in exactly one bucket of each group. */
export interface WishKeys {
  readonly groups: readonly (readonly string[])[];
  /** The smallest group holds nobody else: nothing is left to compare. */
  readonly isExact: boolean;
}

/** `listProviders` answers which providers' slugs begin with a text, or null when they are too many to go through. */
export function wishKeys(wish: RouteWish, listProviders: (prefix: string) => readonly string[] | null): WishKeys {
  const { carrier, type } = wish;
  // A carrier is mobile, so a carrier on Wi-Fi is nobody.
  if (carrier !== null && type !== "any" && type !== "mobile") return noKeys;
  const groups = [...placeGroups(wish), ...networkGroups(wish, listProviders)];
  const isExact = groups.length === countAsked(wish) && (groups.length <= 1 || (groups.length === 2 && isInOneCountry(wish)));
  if (groups.length === 0) groups.push([everybodyKey]);
  const drawn = carrier === null ? type : "mobile";
  return { groups: drawn === "any" ? groups : groups.map((keys) => keys.map((key) => typedKey(key, drawn))), isExact };
}

const noKeys: WishKeys = { groups: [[]], isExact: true };

/** State and city have buckets within a country only. */
function placeGroups({ countries, state, city }: RouteWish): string[][] {
  const [country] = countries;
  if (country === undefined) return [];
  if (countries.length > 1) return [[...new Set(countries)].map(countryKey)];
  const groups = [[countryKey(country)]];
  if (state !== null) groups.push([stateKey(country, state)]);
  if (city !== null) groups.push([cityKey(country, city)]);
  return groups;
}

function networkGroups({ asn, isp, carrier }: RouteWish, listProviders: (prefix: string) => readonly string[] | null): string[][] {
  const groups = asn === null ? [] : [[asnKey(asn)]];
  for (const prefix of [isp, carrier]) {
    const slugs = prefix === null ? null : listProviders(prefix);
    if (slugs !== null) groups.push(slugs.map(providerKey));
  }
  return groups;
}

function countAsked({ countries, state, city, asn, isp, carrier }: RouteWish): number {
  return [state, city, asn, isp, carrier].filter((part) => part !== null).length + (countries.length > 0 ? 1 : 0);
}

/** Everybody in a state or a city is in its country. */
function isInOneCountry({ state, city }: RouteWish): boolean {
  return state !== null || city !== null;
}
