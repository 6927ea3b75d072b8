/**
 * From raw runs to the printed figures. Pure.
 *
 * A figure is the median over the repetitions of its work. Runs in which programs outside the measurement used more than
 * `quietPercentMax` of the machine are left out as long as an undisturbed one remains; `otherCpuPercent` says how
 * disturbed the kept ones were, so a reader can tell a quiet figure from a noisy one.
 */
import { numberAt, type JsonObject } from "./json.ts";
import type { Machine } from "./machine.ts";
import type { WorkName } from "./works.ts";

export const peers = ["karvon", "proxy-chain"] as const;
export type Peer = (typeof peers)[number];

const quietPercentMax = 10;

export interface Run {
  readonly peer: Peer | "direct";
  readonly work: WorkName | "api";
  readonly repetition: number;
  readonly at: string;
  readonly result: JsonObject;
}

export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly karvon: number | null;
  readonly "proxy-chain": number | null;
  /** karvon / proxy-chain. */
  readonly ratio: number | null;
  readonly at: string;
  readonly machine: Machine & { readonly otherCpuPercent: Readonly<Record<Peer, number | null>> };
}

interface Definition {
  readonly figure: string;
  readonly unit: string;
  readonly work: Run["work"];
  /** Undefined when the run does not have it. */
  readonly read: (result: JsonObject) => number | undefined;
  /** Memory and counts do not move with what others do to the CPU: they have no `otherCpuPercent`. */
  readonly isTimed?: false;
}

function field(...path: readonly string[]): (result: JsonObject) => number | undefined {
  return (result) => numberAt(result, path);
}

function scaled(divisor: number, ...path: readonly string[]): (result: JsonObject) => number | undefined {
  return (result) => {
    const value = numberAt(result, path);
    return value === undefined ? undefined : value / divisor;
  };
}

/** CPU of one tunnel: its handshake, one request and its end. */
function cpuPerTunnel(group: string): (result: JsonObject) => number | undefined {
  return (result) => {
    const cpuS = numberAt(result, ["cpuS", group]);
    const tunnels = numberAt(result, ["tunnels"]);
    return cpuS === undefined || tunnels === undefined || tunnels === 0 ? undefined : (cpuS * 1e6) / tunnels;
  };
}

/** Of the requests that fell due, the percentage that was answered in time to be counted. */
function answeredPercent(result: JsonObject): number | undefined {
  const issued = numberAt(result, ["issued"]);
  const answered = numberAt(result, ["requests"]);
  return !issued || answered === undefined ? undefined : Math.min(100, (100 * answered) / issued);
}

function kbPerSession(result: JsonObject): number | undefined {
  const before = numberAt(result, ["memoryBefore", "server", "rssKb"]);
  const held = numberAt(result, ["memoryHeld", "server", "rssKb"]);
  const opened = numberAt(result, ["opened"]);
  return before === undefined || held === undefined || !opened ? undefined : (held - before) / opened;
}

const definitions: readonly Definition[] = [
  { figure: "requests", unit: "requests/s", work: "requests", read: field("requestsPerS") },
  { figure: "tunnels", unit: "tunnels/s", work: "tunnels", read: field("tunnelsPerS") },
  { figure: "down", unit: "MB/s", work: "down", read: field("downMbPerS") },
  { figure: "up", unit: "MB/s", work: "up", read: field("upMbPerS") },
  { figure: "p50 at 1,000 requests/s", unit: "ms", work: "paced", read: scaled(1e3, "latencyUs", "p50") },
  { figure: "p99 at 1,000 requests/s", unit: "ms", work: "paced", read: scaled(1e3, "latencyUs", "p99") },
  { figure: "server CPU per request", unit: "us", work: "requests", read: field("cpuUsPerRequest", "server") },
  { figure: "server CPU per request at 1,000 requests/s", unit: "us", work: "paced", read: field("cpuUsPerRequest", "server") },
  { figure: "server CPU per tunnel", unit: "us", work: "tunnels", read: cpuPerTunnel("server") },
  { figure: "server CPU per GB down", unit: "s", work: "down", read: field("cpuSPerGb", "server") },
  { figure: "server CPU per GB up", unit: "s", work: "up", read: field("cpuSPerGb", "server") },
  { figure: "database CPU per tunnel", unit: "us", work: "tunnels", read: cpuPerTunnel("database") },
  { figure: "node CPU per GB down", unit: "s", work: "down", read: field("cpuSPerGb", "nodes") },
  { figure: "idle RSS", unit: "MB", work: "hold1000", read: scaled(1024, "memoryBefore", "server", "rssKb"), isTimed: false },
  { figure: "idle RssAnon", unit: "MB", work: "hold1000", read: scaled(1024, "memoryBefore", "server", "anonKb"), isTimed: false },
  { figure: "held session (1,000)", unit: "KB", work: "hold1000", read: kbPerSession, isTimed: false },
  { figure: "alive of 1,000 held", unit: "sessions", work: "hold1000", read: field("alive"), isTimed: false },
  { figure: "held session (10,000)", unit: "KB", work: "hold10000", read: kbPerSession, isTimed: false },
  { figure: "RSS with 10,000 held", unit: "MB", work: "hold10000", read: scaled(1024, "memoryHeld", "server", "rssKb"), isTimed: false },
  { figure: "alive of 10,000 held", unit: "sessions", work: "hold10000", read: field("alive"), isTimed: false },
  { figure: "p99 at 200 requests/s", unit: "ms", work: "alone", read: scaled(1e3, "latencyUs", "p99") },
  { figure: "p99 at 200 requests/s beside 4 downloads", unit: "ms", work: "bulk", read: scaled(1e3, "latencyUs", "p99") },
  { figure: "answered beside 8 stalled readers", unit: "%", work: "stalled", read: answeredPercent },
  { figure: "p99 at 200 requests/s beside 8 stalled readers", unit: "ms", work: "stalled", read: scaled(1e3, "latencyUs", "p99") },
  { figure: "client.overview mean at 50 in flight", unit: "ms", work: "api", read: field("meanMs") },
  { figure: "client.overview p99 at 50 in flight", unit: "ms", work: "api", read: field("p99Ms") },
];

/** In the order of the table above, without figures that nobody measured. */
export function computeFigures(runs: readonly Run[], machine: Machine, at: string): readonly Figure[] {
  return definitions.flatMap((definition) => {
    const karvon = settle(runs, definition, "karvon");
    const peer = settle(runs, definition, "proxy-chain");
    if (karvon === null && peer === null) return [];
    const ratio = karvon !== null && peer !== null && peer.value !== 0 ? round(karvon.value / peer.value) : null;
    return {
      figure: definition.figure,
      unit: definition.unit,
      karvon: karvon === null ? null : round(karvon.value),
      "proxy-chain": peer === null ? null : round(peer.value),
      ratio,
      at,
      machine: {
        ...machine,
        otherCpuPercent: { karvon: karvon?.otherCpuPercent ?? null, "proxy-chain": peer?.otherCpuPercent ?? null },
      },
    };
  });
}

interface Settled {
  readonly value: number;
  readonly otherCpuPercent: number | null;
}

function settle(runs: readonly Run[], definition: Definition, peer: Peer): Settled | null {
  const measured = runs
    .filter((run) => run.peer === peer && run.work === definition.work)
    .flatMap((run) => {
      const value = definition.read(run.result);
      const other = definition.isTimed === false ? undefined : numberAt(run.result, ["otherCpuPercent"]);
      return value === undefined ? [] : [{ value, other: other ?? null }];
    });
  const quiet = measured.filter((one) => (one.other ?? 0) <= quietPercentMax);
  const kept = (quiet.length > 0 ? quiet : measured).toSorted((a, b) => a.value - b.value);
  const middle = median(kept.map((one) => one.value));
  if (middle === null) return null;
  const others = kept.flatMap((one) => (one.other === null ? [] : [one.other]));
  return { value: middle, otherCpuPercent: others.length === 0 ? null : Math.max(...others) };
}

function median(sorted: readonly number[]): number | null {
  const high = sorted[Math.floor(sorted.length / 2)];
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  return high === undefined || low === undefined ? null : (low + high) / 2;
}

/** Four significant digits: more would claim a precision that a shared machine does not have. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
