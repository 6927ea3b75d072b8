/**
 * Fuzzing one parser with injured inputs for a while, and what came of it. Without coverage feedback: the corpus and
 * the words decide where it goes.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { injure, type Injuries, makeRandom, type Random } from "./injure.ts";

export interface FuzzOptions extends Injuries {
  readonly parser: string;
  readonly seed: number;
  readonly seconds: number;
  /** Feeds one input; answers what was wrong with the outcome, or null. A throw is a crash. */
  readonly judge: (input: Buffer, random: Random) => string | null;
}

export interface FuzzFigure {
  readonly figure: "fuzz";
  readonly parser: string;
  readonly level: "parser" | "socket";
  readonly seed: number;
  readonly inputs: number;
  readonly crashes: number;
  readonly uncaught: number;
  readonly slowestMs: number;
  readonly rssGrowthMb: number;
}

export interface FuzzOutcome {
  readonly figure: FuzzFigure;
  /** The first of the inputs that crashed, in base64, each with its complaint. */
  readonly failures: readonly string[];
}

const failuresMax = 5;
const warmUpInputs = 2_000;
const inputsPerClockReading = 64;

/** The event loop turns between inputs, for what a parser has put off. */
export async function fuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const random = makeRandom(options.seed);
  const failures: string[] = [];
  const endMs = performance.now() + options.seconds * 1_000;
  let [inputs, crashes, slowestMs, startRss] = [0, 0, 0, process.memoryUsage.rss()];
  do {
    for (let count = 0; count < inputsPerClockReading; count += 1) {
      const input = injure(options, random);
      const startedMs = performance.now();
      const complaint = judgeSafely(options, input, random);
      if (inputs > warmUpInputs) slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      inputs += 1;
      if (complaint === null) continue;
      crashes += 1;
      if (failures.length < failuresMax) failures.push(`${complaint}: ${input.toString("base64").slice(0, 4_000)}`);
    }
    await nextTurn();
    if (inputs <= warmUpInputs) startRss = process.memoryUsage.rss();
  } while (performance.now() < endMs);
  const rssGrowthMb = Math.round((process.memoryUsage.rss() - startRss) / 1e5) / 10;
  const { parser, seed } = options;
  return {
    figure: {
      figure: "fuzz",
      parser,
      level: "parser",
      seed,
      inputs,
      crashes,
      uncaught: 0,
      slowestMs: Math.round(slowestMs * 100) / 100,
      rssGrowthMb,
    },
    failures,
  };
}

function judgeSafely(options: FuzzOptions, input: Buffer, random: Random): string | null {
  try {
    return options.judge(input, random);
  } catch (cause) {
    return `threw ${String(cause)}`;
  }
}
