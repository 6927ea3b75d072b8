/**
 * Work "journal": what the usage journal costs. The same Karvon three times, side by side and each idle while another is
 * measured: without a journal, with one that is written before bytes leave, and with one that is written ten times a second.
 *
 * Each work goes round the three, forwards and backwards in turn, so that what disturbs the machine hits all. A rate is the
 * median of its repetitions; a ratio is the rate by that of the gateway without a journal.
 */
import { buildNodes } from "./build-nodes.ts";
import { isObject, numberAt, type JsonObject } from "./json.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { startOrigin } from "./peer.ts";
import { runLoad } from "./run-load.ts";
import type { SpecialContext } from "./special.ts";
import { workArguments } from "./works.ts";

const modes = ["off", "turn", "tick:100"] as const;
type Mode = (typeof modes)[number];

/** What the load generator calls the rate of each. */
const rates = { down: "downMbPerS", up: "upMbPerS", requests: "requestsPerS", tunnels: "tunnelsPerS" } as const;
type Work = keyof typeof rates;
const works = ["down", "up", "requests", "tunnels"] as const satisfies readonly Work[];

const warmupS = 0.7;

export async function measureJournal(context: SpecialContext): Promise<void> {
  const { options } = context;
  const origin = await startOrigin(context.program);
  context.onClose(() => origin.close());
  const nodesProgram = await buildNodes(context.buildDir);
  const running: { readonly mode: Mode; readonly karvon: RunningKarvon }[] = [];
  for (const mode of modes) {
    context.say(`starting Karvon with KARVON_JOURNAL=${mode}`);
    const environment = { KARVON_JOURNAL: mode };
    const { nodes } = options;
    const karvon = await startKarvon({ origin: origin.address, nodes, nodesProgram, environment, onStarted: context.onClose });
    running.push({ mode, karvon });
  }
  const result: Record<string, JsonObject> = {};
  for (const work of works) {
    const measured: Record<Mode, JsonObject[]> = { off: [], turn: [], "tick:100": [] };
    for (let repetition = 0; repetition < options.repetitions; repetition += 1) {
      for (const { mode, karvon } of repetition % 2 === 0 ? running : running.toReversed()) {
        const found = costOf(await loadOnce(context, karvon, origin.address, work), work);
        measured[mode].push(found);
        context.say(`${work}, journal ${mode}: ${JSON.stringify(found)}`);
      }
    }
    result[work] = compare(measured);
  }
  context.onRun({ peer: "karvon", work: "journal", repetition: 0, at: new Date().toISOString(), result });
}

function loadOnce(context: SpecialContext, karvon: RunningKarvon, origin: string, work: Work): Promise<JsonObject> {
  return runLoad({
    program: context.program,
    mode: "connect",
    origin,
    proxy: karvon.proxy,
    credentials: karvon.credentials,
    accounts: karvon.accounts,
    work: workArguments(work, { seconds: context.options.seconds, warmupS }),
  });
}

/** The rate, and seconds of the gateway's CPU for a gigabyte or for a thousand requests. */
function costOf(result: JsonObject, work: Work): JsonObject {
  const value = numberAt(result, [rates[work]]) ?? 0;
  const seconds = numberAt(result, ["seconds"]) ?? 1;
  const cpuS = numberAt(isObject(result["cpuS"]) ? result["cpuS"] : {}, ["server"]) ?? 0;
  return { rate: value, cpuSPerThousand: (cpuS / (value * seconds)) * 1_000, errors: numberAt(result, ["errors"]) };
}

function compare(measured: Readonly<Record<Mode, readonly JsonObject[]>>): JsonObject {
  const middle = (mode: Mode, name: string): number => median(measured[mode].map((one) => numberAt(one, [name]) ?? 0));
  return Object.fromEntries(
    modes.map((mode) => [
      mode,
      {
        rate: middle(mode, "rate"),
        cpuSPerThousand: middle(mode, "cpuSPerThousand"),
        rateRatio: middle(mode, "rate") / middle("off", "rate"),
        cpuRatio: middle(mode, "cpuSPerThousand") / middle("off", "cpuSPerThousand"),
      },
    ]),
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const high = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (high + low) / 2;
}
