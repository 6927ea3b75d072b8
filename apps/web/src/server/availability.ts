/**
 * What the gateways can offer, added up. Each question is asked once at a time and its answer kept for 2 s; a gateway
 * that does not answer within 1 s counts as offering nothing.
 *
 * Limits: 20 gateways, 300 countries remembered.
 */
import type { Availability, CountryAvailability, CountryPlaces, NodeCount, PlaceAvailability } from "@karvon/services";
import { z } from "zod";
import type { GatewayAddress } from "./radar-subscriber.ts";

const keptMs = 2_000;
const answerMsMax = 1_000;
const gatewaysMax = 20;

const countriesMax = 300;

const count = {
  nodes: z.number(),
  byType: z.object({ mobile: z.number().default(0), wifi: z.number().default(0), residential: z.number().default(0) }),
};
const Countries = z.object({ countries: z.array(z.object({ country: z.string(), ...count })) });
const place = z.array(z.object({ name: z.string(), ask: z.string(), ...count }));
const Places = z.object({ country: z.string(), ...count, states: place, cities: place, networks: place });

export interface AvailabilityOptions {
  readonly serviceToken: string;
  readonly listGateways: (limit: number) => Promise<readonly GatewayAddress[]>;
}

export interface AvailabilityDesk {
  find(): Promise<Availability>;
  /** `country` is an ISO code in capitals that exists: whoever asks has checked it. */
  findPlaces(country: string): Promise<CountryPlaces>;
}

export function createAvailability(options: AvailabilityOptions): AvailabilityDesk {
  async function ask<T>(path: string, shape: z.ZodType<T>): Promise<T[]> {
    const gateways = await options.listGateways(gatewaysMax);
    const answers = await Promise.all(gateways.map((gateway) => askOne(gateway, path, options.serviceToken, shape)));
    return answers.filter((answer) => answer !== null);
  }

  const findAll = keepAnswers(async () => addUp(await ask("/availability", Countries)));
  const findPlaces = keepAnswers(async (country) => addUpPlaces(country, await ask(`/availability/${country}`, Places)));
  return { find: () => findAll(""), findPlaces };
}

/** Asks once at a time for each key and keeps the answer for 2 s. */
function keepAnswers<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const kept = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();
  return (key) => {
    const nowMs = Date.now();
    const known = kept.get(key);
    if (known !== undefined && nowMs - known.atMs <= keptMs) return known.answer;
    if (kept.size >= countriesMax) kept.clear();
    const answer = ask(key);
    kept.set(key, { atMs: nowMs, answer });
    return answer;
  };
}

async function askOne<T>(gateway: GatewayAddress, path: string, serviceToken: string, shape: z.ZodType<T>): Promise<T | null> {
  try {
    const response = await fetch(new URL(path, gateway.opsUrl), {
      headers: { authorization: `Bearer ${serviceToken}` },
      signal: AbortSignal.timeout(answerMsMax),
      redirect: "error",
    });
    return response.ok ? shape.parse(await response.json()) : null;
  } catch {
    return null;
  }
}

function addUp(answers: readonly z.infer<typeof Countries>[]): Availability {
  const sums = sumBy(
    answers.flatMap(({ countries }) => countries),
    ({ country }) => country,
  );
  const countries: CountryAvailability[] = sums.toSorted((a, b) => b.nodes - a.nodes || a.country.localeCompare(b.country));
  return { countries, total: countries.reduce((total, { nodes }) => total + nodes, 0) };
}

function addUpPlaces(country: string, answers: readonly z.infer<typeof Places>[]): CountryPlaces {
  const places = (pick: (answer: z.infer<typeof Places>) => readonly PlaceAvailability[]): PlaceAvailability[] =>
    sumBy(answers.flatMap(pick), ({ ask }) => ask).toSorted((a, b) => b.nodes - a.nodes || a.ask.localeCompare(b.ask));
  const whole = answers.reduce<NodeCount>(added, nothing);
  return {
    country,
    nodes: whole.nodes,
    byType: whole.byType,
    states: places(({ states }) => states),
    cities: places(({ cities }) => cities),
    networks: places(({ networks }) => networks),
  };
}

const nothing: NodeCount = { nodes: 0, byType: { mobile: 0, wifi: 0, residential: 0 } };

function sumBy<T extends NodeCount>(counts: readonly T[], keyOf: (count: T) => string): T[] {
  const sums = new Map<string, T>();
  for (const one of counts) {
    const known = sums.get(keyOf(one));
    sums.set(keyOf(one), known === undefined ? one : { ...one, ...added(known, one) });
  }
  return [...sums.values()];
}

function added(left: NodeCount, right: NodeCount): NodeCount {
  return {
    nodes: left.nodes + right.nodes,
    byType: {
      mobile: left.byType.mobile + right.byType.mobile,
      wifi: left.byType.wifi + right.byType.wifi,
      residential: left.byType.residential + right.byType.residential,
    },
  };
}
