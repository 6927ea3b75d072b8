/**
 * What the gateways can offer, added up. One question at a time, kept for 2 s; a gateway that does not answer within
 * 1 s counts as offering nothing.
 */
import type { Availability, CountryAvailability } from "@karvon/services";
import { z } from "zod";
import type { GatewayAddress } from "./radar-subscriber.ts";

const keptMs = 2_000;
const answerMsMax = 1_000;
const gatewaysMax = 20;

const Answer = z.object({
  countries: z.array(
    z.object({
      country: z.string(),
      nodes: z.number(),
      byType: z.object({ mobile: z.number().default(0), wifi: z.number().default(0), residential: z.number().default(0) }),
    }),
  ),
});

export interface AvailabilityOptions {
  readonly serviceToken: string;
  readonly listGateways: (limit: number) => Promise<readonly GatewayAddress[]>;
}

export function createAvailability(options: AvailabilityOptions): () => Promise<Availability> {
  let kept: { readonly atMs: number; readonly answer: Promise<Availability> } | null = null;

  async function ask(): Promise<Availability> {
    const gateways = await options.listGateways(gatewaysMax);
    const answers = await Promise.all(gateways.map((gateway) => askOne(gateway, options.serviceToken)));
    return addUp(answers.flat());
  }

  return () => {
    const nowMs = Date.now();
    if (kept === null || nowMs - kept.atMs > keptMs) kept = { atMs: nowMs, answer: ask() };
    return kept.answer;
  };
}

async function askOne(gateway: GatewayAddress, serviceToken: string): Promise<CountryAvailability[]> {
  try {
    const response = await fetch(new URL("/availability", gateway.opsUrl), {
      headers: { authorization: `Bearer ${serviceToken}` },
      signal: AbortSignal.timeout(answerMsMax),
      redirect: "error",
    });
    return response.ok ? Answer.parse(await response.json()).countries : [];
  } catch {
    return [];
  }
}

function addUp(countries: readonly CountryAvailability[]): Availability {
  const sum = new Map<string, CountryAvailability>();
  for (const { country, nodes, byType } of countries) {
    const known = sum.get(country);
    sum.set(country, {
      country,
      nodes: nodes + (known?.nodes ?? 0),
      byType: {
        mobile: byType.mobile + (known?.byType.mobile ?? 0),
        wifi: byType.wifi + (known?.byType.wifi ?? 0),
        residential: byType.residential + (known?.byType.residential ?? 0),
      },
    });
  }
  const all = [...sum.values()].toSorted((left, right) => right.nodes - left.nodes || left.country.localeCompare(right.country));
  return { countries: all, total: all.reduce((total, { nodes }) => total + nodes, 0) };
}
