/**
 * What is done to a proxy, as command lines of the load generator.
 * Every work is bounded in connections and seconds; `main.ts` chooses which run and how often.
 */
export interface WorkTimes {
  readonly seconds: number;
  readonly warmupS: number;
}

/** How a client speaks to what it measures; `tunnel` is CONNECT, or what the peer has in its place. */
export type Way = "tunnel" | "absolute" | "socks5";

/**
 * Which nodes Karvon has while a work runs. `narrow` and `wide` hold 10,000 sessions in 10 and in 1,000 tunnels; in `single` all
 * sessions share one tunnel, as they do in the other tunnel peers.
 */
export type Fleet = "usual" | "single" | "narrow" | "wide";

interface WorkPlan {
  readonly args: readonly string[];
  readonly way?: Way;
  readonly fleet?: Fleet;
  /** Reads memory, so it needs processes that nobody has loaded yet. */
  readonly isMemory?: true;
  /** Shows what Karvon's fleet does; other programs have none. */
  readonly isOurs?: true;
  /** In place of the run's own. */
  readonly seconds?: number;
}

/** Seconds for which held sessions stay idle, to see that they neither cost CPU nor die. */
const holdSeconds = 6;
/** Tunnels opened a second while ramping up; above it the measured thing would be the listen queue. */
const rampPerS = 1_000;
/** Client addresses: short connections use the ports of one up, and a gateway bounds what one address may do. */
const sources = "50";
const stalledBytes = String(8 * 1024 * 1024);

const hold = (connections: number): readonly string[] => [
  "--work",
  "hold",
  "--connections",
  String(connections),
  "--ramp",
  String(rampPerS),
];
const paced = (rate: number, ...more: readonly string[]): readonly string[] => ["--work", "requests", "--rate", String(rate), ...more];

const plans = {
  hold1000: { args: hold(1_000), isMemory: true, seconds: holdSeconds },
  requests: { args: ["--work", "requests", "--connections", "64"] },
  absolute: { args: ["--work", "requests", "--connections", "64"], way: "absolute" },
  socks5: { args: ["--work", "requests", "--connections", "64"], way: "socks5" },
  paced: { args: paced(1_000, "--connections", "64") },
  tunnels: { args: ["--work", "tunnels", "--connections", "64"] },
  down: { args: ["--work", "down", "--connections", "16"] },
  up: { args: ["--work", "up", "--connections", "16"] },
  hold10000: { args: hold(10_000), isMemory: true, fleet: "wide", seconds: holdSeconds },
  hold10000narrow: { args: hold(10_000), isMemory: true, isOurs: true, fleet: "narrow", seconds: holdSeconds },
  readers: {
    args: ["--work", "requests", "--connections", "64", "--stalled", "64", "--stalled-bytes", stalledBytes, "--resume"],
    isMemory: true,
    fleet: "single",
    seconds: 3,
  },
  alone: { args: paced(200, "--connections", "16"), fleet: "single", seconds: 2 },
  bulk: { args: paced(200, "--connections", "16", "--bulk", "4"), fleet: "single", seconds: 4 },
  stalled: { args: paced(200, "--connections", "16", "--stalled", "8"), fleet: "single", seconds: 2 },
} as const satisfies Readonly<Record<string, WorkPlan>>;

export type WorkName = keyof typeof plans;

/** Works that are more than a run of the load generator against each peer; they have files of their own. */
export const specialWorks = ["processes", "link", "leak", "router", "journal"] as const;
export type SpecialWork = (typeof specialWorks)[number];

export const workNames: readonly WorkName[] = Object.keys(plans).filter(isWorkName);
export const shortWorks: readonly WorkName[] = ["hold1000", "requests", "absolute", "socks5", "paced", "tunnels", "down", "up"];
/** In the order in which the fleets change, since each fleet is a Karvon of its own. */
export const fleets: readonly Fleet[] = ["usual", "single", "narrow", "wide"];

export function isWorkName(text: string): text is WorkName {
  return Object.hasOwn(plans, text);
}

export function isSpecialWork(text: string): text is SpecialWork {
  return specialWorks.some((name) => name === text);
}

export function workPlan(work: WorkName): WorkPlan {
  return plans[work];
}

export function isMemoryWork(work: WorkName): boolean {
  return workPlan(work).isMemory === true;
}

export function fleetOf(work: WorkName): Fleet {
  return workPlan(work).fleet ?? "usual";
}

export function wayOf(work: WorkName): Way {
  return workPlan(work).way ?? "tunnel";
}

export function workArguments(work: WorkName, times: WorkTimes): readonly string[] {
  const { args, seconds = times.seconds } = workPlan(work);
  return [...args, "--sources", sources, "--seconds", String(seconds), "--warmup", String(times.warmupS)];
}
