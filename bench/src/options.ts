/** The benchmark's command line. A wrong one is a BenchError with one sentence. */
import { parseArgs } from "node:util";
import { BenchError } from "./build-load.ts";
import { peers, shortPeers, type Peer } from "./peer-names.ts";
import { isSpecialWork, isWorkName, shortWorks, specialWorks, workNames, type SpecialWork, type WorkName } from "./works.ts";

const secondsMax = 60;
const repetitionsMax = 20;
const nodesMax = 1_000;
const processesMax = 16;
const connectionsMax = 1_000_000;
const megabytesMax = 10_000;
const streamsMax = 64;

export const usage = `npm run bench [-- options]
  --full               every work and every peer (npm run bench:full)
  --works a,b          only these: ${workNames.join(", ")}; ${specialWorks.join(", ")}
  --peers a,b          only these: ${peers.join(", ")}; what is not installed is left out
  --repetitions N      times each rate is measured; the printed figure is their median (2, full: 3)
  --seconds N          length of a measurement (6; the gateway flushes every 5)
  --nodes N            nodes that carry Karvon's traffic where a work does not say how many (12)
  --processes N        gateway processes (1)
  --no-api             leave out the panels' API
  --link-mb N          megabytes each way through each link of work "link" (64, full: 1000)
  --link-streams N     connections that share them, each through a node of its own (8)
  --link-profiles a,b  only these links: mobile, poor, far, narrow
  --link-congestion X  TCP's congestion control at both ends (the system's), one that namespaces may choose: reno, say
  --leak-connections N short connections of work "leak" (200000)
  --leak-settle N      seconds it stays idle before the last look (60)
  --profile WORK       where the gateway's CPU goes during a work; measures nothing else
  --table FILE...      print figures of earlier runs as Markdown, measure nothing
  --write-docs FILE... put that table into docs/benchmarks.md, measure nothing
`;

export interface LinkOptions {
  readonly megabytes: number;
  readonly streams: number;
  /** Null: all of them. */
  readonly profiles: readonly string[] | null;
  /** Null: the system's. */
  readonly congestion: string | null;
}

export interface Options {
  readonly works: readonly WorkName[];
  readonly special: readonly SpecialWork[];
  readonly peers: readonly Peer[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly processes: number;
  readonly hasApi: boolean;
  readonly link: LinkOptions;
  readonly leak: { readonly connections: number; readonly settleS: number };
  readonly profile: WorkName | null;
  /** Files of figures to show; empty when something is to be measured. */
  readonly files: readonly string[];
  readonly show: "table" | "docs" | null;
  readonly isHelp: boolean;
}

export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  const { full: isFull } = values;
  return {
    ...readWorks(values.works, isFull),
    peers: readPeers(values.peers, isFull),
    repetitions: readCount("--repetitions", values.repetitions ?? (isFull ? "3" : "2"), repetitionsMax),
    seconds: readNumber("--seconds", values.seconds, secondsMax),
    nodes: readCount("--nodes", values.nodes, nodesMax),
    processes: readCount("--processes", values.processes, processesMax),
    hasApi: !values["no-api"],
    link: {
      megabytes: readCount("--link-mb", values["link-mb"] ?? (isFull ? "1000" : "64"), megabytesMax),
      streams: readCount("--link-streams", values["link-streams"], streamsMax),
      profiles: values["link-profiles"]?.split(",") ?? null,
      congestion: values["link-congestion"] ?? null,
    },
    leak: {
      connections: readCount("--leak-connections", values["leak-connections"], connectionsMax),
      settleS: readCount("--leak-settle", values["leak-settle"], 600),
    },
    profile: readProfile(values.profile),
    ...readShow(values.table, values["write-docs"], positionals),
    isHelp: values.help,
  };
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- parseArgs computes the type from the options
function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        full: { type: "boolean", default: false },
        "no-api": { type: "boolean", default: false },
        works: { type: "string" },
        peers: { type: "string" },
        repetitions: { type: "string" },
        seconds: { type: "string", default: "6" },
        nodes: { type: "string", default: "12" },
        processes: { type: "string", default: "1" },
        "link-mb": { type: "string" },
        "link-streams": { type: "string", default: "8" },
        "link-profiles": { type: "string" },
        "link-congestion": { type: "string" },
        "leak-connections": { type: "string", default: "200000" },
        "leak-settle": { type: "string", default: "60" },
        profile: { type: "string" },
        table: { type: "boolean", default: false },
        "write-docs": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new BenchError(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`, { cause });
  }
}

function readWorks(text: string | undefined, isFull: boolean): Pick<Options, "works" | "special"> {
  if (text === undefined) return isFull ? { works: workNames, special: specialWorks } : { works: shortWorks, special: [] };
  const names = text.split(",");
  const unknown = names.find((name) => !isWorkName(name) && !isSpecialWork(name));
  if (unknown !== undefined) {
    throw new BenchError(`--works does not know ${unknown}; it takes ${[...workNames, ...specialWorks].join(", ")}.`);
  }
  return { works: names.filter(isWorkName), special: names.filter(isSpecialWork) };
}

function readShow(isTable: boolean, isDocs: boolean, files: readonly string[]): Pick<Options, "show" | "files"> {
  const show = isTable ? "table" : isDocs ? "docs" : null;
  if (show !== null && files.length === 0) throw new BenchError("--table and --write-docs take files of figures.");
  if (show === null && files.length > 0) throw new BenchError(`${files[0]} is no option.\n${usage}`);
  return { show, files };
}

function readProfile(text: string | undefined): WorkName | null {
  if (text === undefined) return null;
  if (!isWorkName(text)) throw new BenchError(`--profile does not know ${text}; it takes ${workNames.join(", ")}.`);
  return text;
}

function readPeers(text: string | undefined, isFull: boolean): readonly Peer[] {
  if (text === undefined) return isFull ? peers : shortPeers;
  return text.split(",").map((name) => {
    const peer = peers.find((known) => known === name);
    if (peer === undefined) throw new BenchError(`--peers does not know ${name}; it takes ${peers.join(", ")}.`);
    return peer;
  });
}

function readCount(name: string, text: string, max: number): number {
  const count = readNumber(name, text, max);
  if (!Number.isInteger(count)) throw new BenchError(`${name} takes a whole number, not ${text}.`);
  return count;
}

function readNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= max)) throw new BenchError(`${name} takes a number above 0 and up to ${max}, not ${text}.`);
  return value;
}
