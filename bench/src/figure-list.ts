/** Every figure the benchmark prints, in the order of the table: where it comes from and what it should be. Pure. */
import { numberAt, type JsonObject } from "./json.ts";
import { peerFacts, type Peer } from "./peer-names.ts";
import type { SpecialWork, WorkName } from "./works.ts";

export interface Goal {
  /** As the table shows it. */
  readonly text: string;
  /** Null when it cannot be told, because the peer it compares with was not measured. */
  readonly isMet: (karvon: number, values: Partial<Readonly<Record<Peer, number>>>) => boolean | null;
}

export interface Definition {
  readonly figure: string;
  readonly unit: string;
  readonly work: WorkName | SpecialWork | "api";
  /** Undefined when the run does not have it. */
  readonly read: (result: JsonObject) => number | undefined;
  /** Memory and counts do not move with what others do to the CPU: they have no `otherCpuPercent`. */
  readonly isTimed?: false;
  /** What Karvon should reach; the design's, for a machine like the one it was measured on. */
  readonly goal?: Goal | undefined;
}

type Read = Definition["read"];

function field(...path: readonly string[]): Read {
  return (result) => numberAt(result, path);
}

function scaled(divisor: number, ...path: readonly string[]): Read {
  return (result) => quotient(numberAt(result, path), divisor);
}

function quotient(value: number | undefined, divisor: number | undefined): number | undefined {
  return value === undefined || divisor === undefined || divisor === 0 ? undefined : value / divisor;
}

/** One value of the run by another, times a factor. */
function per(path: readonly string[], by: readonly string[], factor = 1): Read {
  return (result) => {
    const value = quotient(numberAt(result, path), numberAt(result, by));
    return value === undefined ? undefined : value * factor;
  };
}

/** CPU of one tunnel: its handshake, one request and its end. */
function cpuPerTunnel(group: string): Read {
  return per(["cpuS", group], ["tunnels"], 1e6);
}

/** Of the requests that fell due, how many were answered, per 400 asked. */
function answeredOf400(result: JsonObject): number | undefined {
  const share = quotient(numberAt(result, ["requests"]), numberAt(result, ["issued"]));
  return share === undefined ? undefined : Math.min(400, Math.floor(share * 400));
}

/** Growth of one kind of memory between two moments, by how many things stand against it. */
function growth(before: string, after: string, kind: string, count: string): Read {
  return (result) => {
    const from = numberAt(result, [before, "server", kind]);
    const to = numberAt(result, [after, "server", kind]);
    return from === undefined || to === undefined ? undefined : quotient(to - from, numberAt(result, [count]));
  };
}

function mbPerReader(result: JsonObject): number | undefined {
  return quotient(growth("memoryBefore", "memoryStalled", "rssKb", "stalled")(result), 1024);
}

const atMost = (max: number): Goal => ({ text: `<= ${max.toLocaleString("en-US")}`, isMet: (value) => value <= max });
const atLeast = (min: number): Goal => ({ text: `>= ${min.toLocaleString("en-US")}`, isMet: (value) => value >= min });

/** Against a peer in the same run, since machines differ. */
function beside(peer: Peer, sign: "<=" | ">=", times: number): Goal {
  return {
    text: `${sign} ${times} x ${peerFacts[peer].title}`,
    isMet(karvon, values) {
      const other = values[peer];
      if (other === undefined) return null;
      return sign === "<=" ? karvon <= other * times : karvon >= other * times;
    },
  };
}

/**
 * The design set a goal on a machine of its own, where `peer` reached `peerThen`. Machines differ, so what counts is the same
 * distance from that peer in the same run.
 */
function asBeside(sign: "<=" | ">=", then: number, peer: Peer, peerThen: number): Goal {
  const times = Number((then / peerThen).toFixed(2));
  return {
    text: `${sign} ${times} x ${peerFacts[peer].title} (${then.toLocaleString("en-US")} where it had ${peerThen.toLocaleString("en-US")})`,
    isMet: beside(peer, sign, times).isMet,
  };
}

const rates: readonly Definition[] = [
  { figure: "requests", unit: "requests/s", work: "requests", read: field("requestsPerS"), goal: asBeside(">=", 30_000, "yamux", 24_775) },
  { figure: "absolute-form requests", unit: "requests/s", work: "absolute", read: field("requestsPerS"), goal: atLeast(16_000) },
  { figure: "requests over SOCKS5", unit: "requests/s", work: "socks5", read: field("requestsPerS") },
  {
    figure: "p50 at 1,000 requests/s",
    unit: "ms",
    work: "paced",
    read: scaled(1e3, "latencyUs", "p50"),
    goal: asBeside("<=", 0.35, "yamux", 0.34),
  },
  {
    figure: "p99 at 1,000 requests/s",
    unit: "ms",
    work: "paced",
    read: scaled(1e3, "latencyUs", "p99"),
    goal: asBeside("<=", 0.6, "yamux", 0.57),
  },
  { figure: "tunnels", unit: "tunnels/s", work: "tunnels", read: field("tunnelsPerS"), goal: asBeside(">=", 4_800, "yamux", 3_962) },
  { figure: "down", unit: "MB/s", work: "down", read: field("downMbPerS"), goal: beside("yamux", ">=", 1.2) },
  { figure: "up", unit: "MB/s", work: "up", read: field("upMbPerS"), goal: beside("yamux", ">=", 1) },
];

const cpu: readonly Definition[] = [
  {
    figure: "server CPU per request",
    unit: "us",
    work: "requests",
    read: field("cpuUsPerRequest", "server"),
    goal: beside("proxy-chain", "<=", 0.75),
  },
  { figure: "server CPU per absolute-form request", unit: "us", work: "absolute", read: field("cpuUsPerRequest", "server") },
  { figure: "server CPU per request over SOCKS5", unit: "us", work: "socks5", read: field("cpuUsPerRequest", "server") },
  { figure: "server CPU per request at 1,000 requests/s", unit: "us", work: "paced", read: field("cpuUsPerRequest", "server") },
  { figure: "server CPU per tunnel", unit: "us", work: "tunnels", read: cpuPerTunnel("server"), goal: beside("proxy-chain", "<=", 0.6) },
  {
    figure: "server CPU per GB down",
    unit: "s",
    work: "down",
    read: field("cpuSPerGb", "server"),
    goal: asBeside("<=", 1.05, "yamux", 1.35),
  },
  {
    figure: "server CPU per GB up",
    unit: "s",
    work: "up",
    read: field("cpuSPerGb", "server"),
    goal: asBeside("<=", 1.25, "yamux", 1.22),
  },
  { figure: "node CPU per request", unit: "us", work: "requests", read: field("cpuUsPerRequest", "nodes") },
  { figure: "node CPU per tunnel", unit: "us", work: "tunnels", read: cpuPerTunnel("nodes") },
  { figure: "node CPU per GB down", unit: "s", work: "down", read: field("cpuSPerGb", "nodes") },
  { figure: "node CPU per GB up", unit: "s", work: "up", read: field("cpuSPerGb", "nodes") },
  { figure: "database CPU per tunnel", unit: "us", work: "tunnels", read: cpuPerTunnel("database") },
  { figure: "database CPU per GB down", unit: "s", work: "down", read: field("cpuSPerGb", "database") },
  { figure: "load generator's CPU in requests", unit: "% of a core", work: "requests", read: per(["clientCpuS"], ["seconds"], 100) },
  { figure: "load generator's CPU in tunnels", unit: "% of a core", work: "tunnels", read: per(["clientCpuS"], ["seconds"], 100) },
  { figure: "load generator's CPU in down", unit: "% of a core", work: "down", read: per(["clientCpuS"], ["seconds"], 100) },
];

function held(
  work: "hold1000" | "hold10000" | "hold10000narrow",
  name: string,
  goals: readonly [Goal?, Goal?, Goal?],
): readonly Definition[] {
  const [perSession, rss, alive] = goals;
  return [
    {
      figure: `memory of a session, ${name}`,
      unit: "KB",
      work,
      read: growth("memoryBefore", "memoryHeld", "rssKb", "opened"),
      isTimed: false,
      goal: perSession,
    },
    { figure: `RSS, ${name}`, unit: "MB", work, read: scaled(1024, "memoryHeld", "server", "rssKb"), isTimed: false, goal: rss },
    { figure: `RssAnon, ${name}`, unit: "MB", work, read: scaled(1024, "memoryHeld", "server", "anonKb"), isTimed: false },
    { figure: `alive and answered, ${name}`, unit: "sessions", work, read: field("alive"), isTimed: false, goal: alive },
    { figure: `server CPU while idle, ${name}`, unit: "% of a core", work, read: per(["cpuHoldS", "server"], ["heldS"], 100) },
  ];
}

const memory: readonly Definition[] = [
  {
    figure: "idle RSS",
    unit: "MB",
    work: "hold1000",
    read: scaled(1024, "memoryBefore", "server", "rssKb"),
    isTimed: false,
    goal: atMost(60),
  },
  {
    figure: "idle RssAnon",
    unit: "MB",
    work: "hold1000",
    read: scaled(1024, "memoryBefore", "server", "anonKb"),
    isTimed: false,
    goal: atMost(15),
  },
  ...held("hold1000", "1,000 held", []),
  ...held("hold10000", "10,000 held, 1,000 tunnels", [atMost(8), atMost(170), atLeast(10_000)]),
  ...held("hold10000narrow", "10,000 held, 10 tunnels", [atMost(7), atMost(120), atLeast(10_000)]),
];

const isolation: readonly Definition[] = [
  { figure: "p50 at 200 requests/s, one tunnel", unit: "ms", work: "alone", read: scaled(1e3, "latencyUs", "p50") },
  { figure: "p99 at 200 requests/s, one tunnel", unit: "ms", work: "alone", read: scaled(1e3, "latencyUs", "p99") },
  { figure: "p50 beside 4 downloads", unit: "ms", work: "bulk", read: scaled(1e3, "latencyUs", "p50") },
  {
    figure: "p99 beside 4 downloads",
    unit: "ms",
    work: "bulk",
    read: scaled(1e3, "latencyUs", "p99"),
    goal: asBeside("<=", 8, "yamux", 8.4),
  },
  { figure: "the 4 downloads", unit: "MB/s", work: "bulk", read: field("bulkMbPerS") },
  {
    figure: "answered of 400 beside 8 stalled readers",
    unit: "requests",
    work: "stalled",
    read: answeredOf400,
    isTimed: false,
    goal: atLeast(400),
  },
  { figure: "p50 beside 8 stalled readers", unit: "ms", work: "stalled", read: scaled(1e3, "latencyUs", "p50") },
  { figure: "p99 beside 8 stalled readers", unit: "ms", work: "stalled", read: scaled(1e3, "latencyUs", "p99") },
  { figure: "a stalled reader of 64", unit: "MB", work: "readers", read: mbPerReader, isTimed: false, goal: atMost(0.6) },
  {
    figure: "stalled readers whole when read at last",
    unit: "of 64",
    work: "readers",
    read: field("resumedWhole"),
    isTimed: false,
    goal: atLeast(64),
  },
  {
    figure: "wrong bytes after 64 stalled readers",
    unit: "pieces",
    work: "readers",
    read: field("badBodies"),
    isTimed: false,
    goal: atMost(0),
  },
  { figure: "requests beside 64 stalled readers", unit: "requests/s", work: "readers", read: field("requestsPerS") },
];

const processes: readonly Definition[] = (["requests", "tunnels", "down"] as const).flatMap((work) => {
  const rate = work === "down" ? "downMbPerS" : work === "tunnels" ? "tunnelsPerS" : "requestsPerS";
  const unit = work === "down" ? "MB/s" : `${work}/s`;
  const path = (count: string, ...names: readonly string[]): readonly string[] => [count, work, ...names];
  const perCpu = (count: string): Read => per(path(count, rate), path(count, "serverCores"));
  return [
    { figure: `${work}, 1 gateway process`, unit, work: "processes", read: field(...path("one", rate)) },
    { figure: `${work}, 2 gateway processes`, unit, work: "processes", read: field(...path("two", rate)) },
    { figure: `${work}, 1 -> 2 processes`, unit: "times", work: "processes", read: per(path("two", rate), path("one", rate)) },
    {
      figure: `${work}, 1 -> 2 processes, each held to 30 % of a core`,
      unit: "times",
      work: "processes",
      read: per(["two", "sliced", work, rate], ["one", "sliced", work, rate]),
      goal: atLeast(1.7),
    },
    { figure: `${work} by gateway CPU second, 1 process`, unit: work === "down" ? "MB" : work, work: "processes", read: perCpu("one") },
    { figure: `${work} by gateway CPU second, 2 processes`, unit: work === "down" ? "MB" : work, work: "processes", read: perCpu("two") },
    {
      figure: `${work}, load generator's share of all CPU, 2 processes`,
      unit: "%",
      work: "processes",
      read: per(path("two", "clientCpuS"), path("two", "usedCpuS"), 100),
    },
    {
      figure: `${work}, gateway's share of all CPU, 2 processes`,
      unit: "%",
      work: "processes",
      read: per(path("two", "cpuS", "server"), path("two", "usedCpuS"), 100),
    },
  ] as const satisfies readonly Definition[];
});

const linkProfiles = [
  ["mobile", "60 +/- 10 ms, 0.5 % loss"],
  ["poor", "150 +/- 50 ms, 3 % loss"],
  ["far", "300 ms"],
] as const;

const link: readonly Definition[] = [
  ...linkProfiles.flatMap(([profile, title]): readonly Definition[] =>
    (["down", "up"] as const).flatMap((way): readonly Definition[] => [
      { figure: `${way}, ${title}: Karvon`, unit: "MB/s", work: "link", read: field(profile, way, "karvon", "mbPerS") },
      { figure: `${way}, ${title}: direct TCP`, unit: "MB/s", work: "link", read: field(profile, way, "direct", "mbPerS") },
      {
        figure: `${way}, ${title}: Karvon by direct`,
        unit: "%",
        work: "link",
        read: per([profile, way, "karvon", "mbPerS"], [profile, way, "direct", "mbPerS"], 100),
        goal: atLeast(80),
      },
      {
        figure: `${way}, ${title}: transfers whole and equal`,
        unit: "%",
        work: "link",
        read: per([profile, way, "karvon", "whole"], [profile, way, "karvon", "asked"], 100),
        isTimed: false,
        goal: atLeast(100),
      },
    ]),
  ),
  { figure: "p50 beside 4 downloads, 20 Mbit/s and 50 ms", unit: "ms", work: "link", read: field("narrow", "p50Ms"), goal: atMost(150) },
  { figure: "p99 beside 4 downloads, 20 Mbit/s and 50 ms", unit: "ms", work: "link", read: field("narrow", "p99Ms"), goal: atMost(250) },
  { figure: "the link in use meanwhile", unit: "%", work: "link", read: field("narrow", "linkPercent"), goal: atLeast(90) },
  ...(["p50", "p99"] as const).map((name): Definition => ({
    figure: `${name} beside 4 downloads, 20 Mbit/s and 50 ms: direct TCP`,
    unit: "ms",
    work: "link",
    read: field("narrow", "direct", `${name}Ms`),
  })),
  { figure: "the link in use meanwhile: direct TCP", unit: "%", work: "link", read: field("narrow", "direct", "linkPercent") },
];

const leak: readonly Definition[] = [
  { figure: "short connections", unit: "connections", work: "leak", read: field("connections"), isTimed: false },
  {
    figure: "short connections that ended otherwise than expected",
    unit: "connections",
    work: "leak",
    read: field("unexpected"),
    isTimed: false,
    goal: atMost(0),
  },
  {
    figure: "descriptors more than at the start, the database pool's aside",
    unit: "descriptors",
    work: "leak",
    read: field("descriptorsGrown"),
    isTimed: false,
    goal: atMost(0),
  },
  {
    figure: "listening sockets more than at the start",
    unit: "sockets",
    work: "leak",
    read: field("listenersGrown"),
    isTimed: false,
    goal: atMost(0),
  },
  {
    figure: "RSS after by RSS before",
    unit: "times",
    work: "leak",
    read: per(["after", "rssKb"], ["before", "rssKb"]),
    isTimed: false,
    goal: atMost(1.1),
  },
  {
    figure: "live JavaScript heap after by before",
    unit: "times",
    work: "leak",
    read: per(["after", "heapUsedKb"], ["before", "heapUsedKb"]),
    isTimed: false,
  },
  { figure: "process warnings", unit: "warnings", work: "leak", read: field("warnings"), isTimed: false, goal: atMost(0) },
  { figure: "faults", unit: "faults", work: "leak", read: field("faults"), isTimed: false, goal: atMost(0) },
];

const router: readonly Definition[] = [
  { figure: "choice of an exit p50, 50,000 nodes", unit: "us", work: "router", read: field("choiceUs", "p50"), isTimed: false },
  {
    figure: "choice of an exit p99, 50,000 nodes",
    unit: "us",
    work: "router",
    read: field("choiceUs", "p99"),
    isTimed: false,
    goal: atMost(100),
  },
  { figure: "change of a node p99, 50,000 nodes", unit: "us", work: "router", read: field("changeUs", "p99"), isTimed: false },
  { figure: "memory of a node in the index", unit: "bytes", work: "router", read: field("bytesPerNode"), isTimed: false },
  {
    figure: "equal shares of 1,000 equal nodes (chi-square p)",
    unit: "",
    work: "router",
    read: field("shares", "chiSquareP"),
    isTimed: false,
    goal: atLeast(0.01),
  },
];

const api: readonly Definition[] = [
  { figure: "client.overview mean at 50 in flight", unit: "ms", work: "api", read: field("meanMs") },
  { figure: "client.overview p99 at 50 in flight", unit: "ms", work: "api", read: field("p99Ms") },
];

export const figureList: readonly Definition[] = [
  ...rates,
  ...cpu,
  ...memory,
  ...isolation,
  ...processes,
  ...link,
  ...leak,
  ...router,
  ...api,
];
