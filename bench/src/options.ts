/** The benchmark's command line. A wrong one is a BenchError with one sentence. */
import { parseArgs } from "node:util";
import { BenchError } from "./build-load.ts";
import { peers, type Peer } from "./figures.ts";
import { fullWorks, isWorkName, shortWorks, type WorkName } from "./works.ts";

const secondsMax = 60;
const repetitionsMax = 20;
const nodesMax = 250;

export const usage = `npm run bench [-- options]
  --full               10,000 held sessions and isolation too (npm run bench:full)
  --works a,b          only these: ${fullWorks.join(", ")}
  --peers a,b          only these: ${peers.join(", ")}
  --repetitions N      times each rate is measured; the printed figure is their median (3)
  --seconds N          length of a measurement (6; the gateway flushes every 5)
  --nodes N            nodes that carry Karvon's traffic (12, or 80 with 10,000 sessions); a node takes 256 sessions
  --no-api             leave out the panels' API
  --table FILE         print figures of an earlier run as Markdown, measure nothing
`;

export interface Options {
  readonly works: readonly WorkName[];
  readonly peers: readonly Peer[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly hasApi: boolean;
  readonly table: string | undefined;
  readonly isHelp: boolean;
}

export function readOptions(argv: readonly string[]): Options {
  const { values } = parse(argv);
  const works = readWorks(values.works, values.full);
  return {
    works,
    peers: readPeers(values.peers),
    repetitions: readCount("--repetitions", values.repetitions, repetitionsMax),
    seconds: readNumber("--seconds", values.seconds, secondsMax),
    nodes: values.nodes === undefined ? nodesFor(works) : readCount("--nodes", values.nodes, nodesMax),
    hasApi: !values["no-api"],
    table: values.table,
    isHelp: values.help,
  };
}

// The return type is inferred: parseArgs computes it from the options.
// oxlint-disable-next-line typescript/explicit-function-return-type
function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        full: { type: "boolean", default: false },
        "no-api": { type: "boolean", default: false },
        works: { type: "string" },
        peers: { type: "string" },
        repetitions: { type: "string", default: "3" },
        seconds: { type: "string", default: "6" },
        nodes: { type: "string" },
        table: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new BenchError(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`, { cause });
  }
}

function readWorks(text: string | undefined, isFull: boolean): readonly WorkName[] {
  if (text === undefined) return isFull ? fullWorks : shortWorks;
  return text.split(",").map((name) => {
    if (!isWorkName(name)) throw new BenchError(`--works does not know ${name}; it takes ${fullWorks.join(", ")}.`);
    return name;
  });
}

function readPeers(text: string | undefined): readonly Peer[] {
  if (text === undefined) return peers;
  return text.split(",").map((name) => {
    const peer = peers.find((known) => known === name);
    if (peer === undefined) throw new BenchError(`--peers does not know ${name}; it takes ${peers.join(", ")}.`);
    return peer;
  });
}

/** As many as the demo has; for 10,000 sessions twice the room, so that chance does not fill one. */
function nodesFor(works: readonly WorkName[]): number {
  return works.includes("hold10000") ? 80 : 12;
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
