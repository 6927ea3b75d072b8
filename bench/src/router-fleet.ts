/** A made-up fleet for the router's benchmark: a hundred countries of very different size, their cities and networks. */
import { type Ask, type ConnectionType, emptyAsk, isoCountries, NodeQuality, type RoutableNode } from "@karvon/domain";
import { seededRandom } from "@karvon/domain/testing";
import type { NodeDirectory } from "../../apps/proxy/src/router/node-directory.ts";

const countryCount = 100;
const types: readonly ConnectionType[] = ["mobile", "wifi", "residential"];

interface Country {
  readonly country: string;
  readonly cities: number;
  readonly asns: readonly number[];
}

export class BenchNode implements RoutableNode {
  readonly nodeId: string;
  readonly publicAddress: string;
  readonly country: string;
  readonly region: string;
  readonly city: string;
  readonly asn: number;
  readonly asnName: string;
  readonly streamsMax = 256;
  readonly quality = new NodeQuality(performance.now());
  connectionType: ConnectionType;
  isServing = true;
  openStreams = 0;
  batteryPercent: number | null;
  readonly isCharging = false;
  readonly scoreMicros: number | null = null;

  constructor(number: number, place: Country, random: () => number, type: ConnectionType, batteryPercent: number | null) {
    const city = Math.floor(random() ** 2 * place.cities);
    const asn = place.asns[Math.floor(random() ** 2 * place.asns.length)] ?? 0;
    this.nodeId = `nod_${number}`;
    this.publicAddress = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    this.country = place.country;
    this.region = `State ${city % 12}`;
    this.city = `City ${city}`;
    this.asn = asn;
    this.asnName = `Provider ${asn} Joint Stock Company`;
    this.connectionType = type;
    this.batteryPercent = batteryPercent;
  }

  get hasRoom(): boolean {
    return this.openStreams < this.streamsMax;
  }
}

export interface Fleet {
  readonly nodes: readonly BenchNode[];
  readonly random: () => number;
  /** The kinds of wishes, each of which usually finds somebody. */
  readonly wishes: Readonly<Record<string, (like: BenchNode) => Partial<Ask>>>;
  readonly largest: Country;
  /** Networks of another country than the largest. */
  readonly farAsns: readonly number[];
  wish(kind: string): Ask;
  /** One node joins, leaves, stops or starts serving, or changes its network. */
  change(directory: NodeDirectory<BenchNode>): void;
}

const wishes: Fleet["wishes"] = {
  any: () => ({}),
  country: ({ country }) => ({ countries: [country] }),
  countryType: ({ country, connectionType }) => ({ countries: [country], type: connectionType }),
  city: ({ country, city }) => ({ countries: [country], city: slug(city) }),
  asn: ({ asn }) => ({ asn }),
  type: ({ connectionType }) => ({ type: connectionType }),
  isp: ({ country, asn }) => ({ countries: [country], isp: `provider${asn}` }),
  narrow: ({ country, region, city, asn, connectionType }) => ({
    countries: [country],
    state: slug(region),
    city: slug(city),
    asn,
    type: connectionType,
  }),
};

const pick = <T>(values: readonly T[], share: number): T | undefined => values[Math.floor(share * values.length)];
const slug = (name: string): string => name.toLowerCase().replace(" ", "");

export function createFleet(count: number): Fleet {
  const random = seededRandom(50_000);
  const countries = [...isoCountries].slice(0, countryCount).map((country, i): Country => {
    const asns = Array.from({ length: 3 + Math.floor(40 / (i + 1)) }, (_, k) => 1_000 + i * 50 + k);
    return { country, cities: 5 + Math.floor(300 / (i + 1)), asns };
  });
  const largest = countries[0];
  if (largest === undefined) throw new Error("there is no country");
  let made = 0;
  const makeNode = (): BenchNode => {
    made += 1;
    // The cube makes the first countries large: a few hold most of a real network.
    const place = pick(countries, random() ** 3) ?? largest;
    return new BenchNode(made, place, random, pick(types, random() ** 2) ?? "wifi", random() < 0.5 ? Math.floor(random() * 100) : null);
  };
  const nodes = Array.from({ length: count }, makeNode);
  for (const node of nodes) if (random() < 0.1) node.quality.failed(performance.now());

  return {
    nodes,
    random,
    wishes,
    largest,
    farAsns: countries[1]?.asns ?? [],
    wish: (kind) => ({ ...emptyAsk, ...wishes[kind]?.(pick(nodes, random()) ?? makeNode()) }),
    change(directory) {
      const at = Math.floor(random() * nodes.length);
      const node = nodes[at];
      if (node === undefined) return;
      const what = random();
      if (what < 0.2) {
        directory.remove(node);
        const next = makeNode();
        nodes[at] = next;
        directory.put(next);
        return;
      }
      if (what < 0.6) node.isServing = !node.isServing || random() < 0.8;
      else node.connectionType = pick(types, random()) ?? "wifi";
      directory.changed(node);
    },
  };
}

/** Nodes that differ in nothing but their names. */
export function equalFleet(count: number): Fleet {
  const random = seededRandom(1_000);
  const place: Country = { country: "UZ", cities: 1, asns: [8193] };
  const nodes = Array.from({ length: count }, (_, i) => new BenchNode(i, place, random, "wifi", null));
  return { nodes, random, wishes, largest: place, farAsns: [], wish: () => emptyAsk, change: () => undefined };
}
