/**
 * The part of work "link" that runs in the near namespace: starts Karvon here, its nodes and the origin at the far end of
 * the link, moves the bytes, and prints one JSON object. The task comes in BENCH_LINK_TASK; link.ts starts this.
 */
import { readFileSync } from "node:fs";
import { numberAt, readObject, textAt, valueAt, type JsonObject } from "./json.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { farHost, linkProfiles, nearHost } from "./link-plan.ts";
import { startOrigin, type RunningOrigin } from "./peer.ts";
import { runLoad } from "./run-load.ts";

/** For each transfer; a link that is slower than this shows as what did not finish. */
const transferSecondsMax = 3_600;
const isolationSeconds = 20;
const isolationWarmupS = 5;
/** Small requests a second beside the downloads: few, so that they use 1 % of the link themselves. */
const smallPerS = 20;
/** Every connection gets a node that no other of them has. */
const apart = "-uniq-link";

const task = readObject(process.env["BENCH_LINK_TASK"] ?? "{}");
const text = (name: string): string => textAt(task, [name]) ?? "";
const number = (name: string): number => numberAt(task, [name]) ?? 1;
const program = text("program");
const profile = linkProfiles.find(({ name }) => name === text("profile"));
const prefixValue = valueAt(task, ["farPrefix"]);
const farPrefix = Array.isArray(prefixValue) ? prefixValue.map(String) : [];

interface Ends {
  readonly origin: RunningOrigin;
  readonly karvon: RunningKarvon;
}

async function transfer({ origin, karvon }: Ends, work: "down" | "up", through: "direct" | "karvon"): Promise<JsonObject> {
  const result = await runLoad({
    program,
    ...(through === "direct"
      ? { mode: "direct" }
      : { mode: "connect", proxy: karvon.proxy, credentials: withWord(karvon.credentials, apart) }),
    origin: origin.address,
    accounts: through === "direct" ? {} : karvon.accounts,
    work: optionsOf({
      work,
      connections: number("streams"),
      transfer: number("bytesPerStream"),
      seconds: transferSecondsMax,
      warmup: 0,
    }).concat("--once", "--verify"),
    place: "anywhere",
    timeoutMs: (transferSecondsMax + 60) * 1_000,
  });
  const seconds = numberAt(result, ["seconds"]) ?? 0;
  const finished = numberAt(result, ["finished"]) ?? 0;
  const badBodies = numberAt(result, ["badBodies"]) ?? 0;
  const summary = {
    mbPerS: numberAt(result, [work === "down" ? "downMbPerS" : "upMbPerS"]),
    seconds,
    asked: number("streams"),
    /** Every byte of a transfer is compared with what was sent: by the client down, by the origin up. */
    whole: badBodies === 0 ? finished : 0,
    errors: numberAt(result, ["errors"]),
    firstError: textAt(result, ["firstError"]),
    cpuS: valueAt(result, ["cpuS"]),
  };
  process.stderr.write(`${work} ${through}: ${JSON.stringify(summary)}\n`);
  return summary;
}

async function isolate({ origin, karvon }: Ends, rateMbit: number, through: "direct" | "karvon"): Promise<JsonObject> {
  const result = await runLoad({
    program,
    ...(through === "direct" ? { mode: "direct" } : { mode: "connect", proxy: karvon.proxy, credentials: karvon.credentials }),
    origin: origin.address,
    accounts: through === "direct" ? {} : karvon.accounts,
    work: optionsOf({
      work: "requests",
      connections: 16,
      rate: smallPerS,
      bulk: 4,
      seconds: isolationSeconds,
      warmup: isolationWarmupS,
    }),
    place: "anywhere",
  });
  process.stderr.write(`isolation ${through}: ${JSON.stringify(result)}\n`);
  const megabytesPerS = (numberAt(result, ["bulkMbPerS"]) ?? 0) + (numberAt(result, ["downMbPerS"]) ?? 0);
  return {
    p50Ms: (numberAt(result, ["latencyUs", "p50"]) ?? 0) / 1_000,
    p99Ms: (numberAt(result, ["latencyUs", "p99"]) ?? 0) / 1_000,
    asked: numberAt(result, ["issued"]),
    answered: numberAt(result, ["requests"]),
    megabytesPerS,
    /** Payload by what the link could carry without any header. */
    linkPercent: (megabytesPerS / (rateMbit / 8)) * 100,
    errors: numberAt(result, ["errors"]),
  };
}

function withWord(credentials: string, word: string): string {
  const colon = credentials.indexOf(":");
  return `${credentials.slice(0, colon)}${word}${credentials.slice(colon)}`;
}

function optionsOf(options: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

async function measure(ends: Ends): Promise<JsonObject> {
  if (profile?.name === "narrow") {
    const direct = await isolate(ends, profile.rateMbit, "direct");
    return { ...(await isolate(ends, profile.rateMbit, "karvon")), direct };
  }
  const ways: Record<string, JsonObject> = {};
  for (const way of ["down", "up"] as const) {
    ways[way] = { direct: await transfer(ends, way, "direct"), karvon: await transfer(ends, way, "karvon") };
  }
  return ways;
}

/** Newest last; taken down in the opposite order, also when the benchmark is interrupted. */
const parts: { readonly close: () => Promise<void> }[] = [];

async function closeAll(): Promise<void> {
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) await part.close();
}

process.once("SIGTERM", () => {
  void closeAll().finally(() => process.exit(143));
});

try {
  const origin = await startOrigin(program, { place: "anywhere", host: farHost, prefix: farPrefix });
  parts.push(origin);
  const karvon = await startKarvon({
    origin: origin.address,
    nodes: profile?.name === "narrow" ? 1 : number("streams"),
    nodesProgram: text("nodesProgram"),
    place: "anywhere",
    far: { gatewayHost: nearHost, nodeHost: farHost, prefix: farPrefix },
    onStarted: (close) => parts.push({ close }),
  });
  const measured = await measure({ origin, karvon });
  const congestion = readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();
  // Everything is down before the result is told: whoever reads it ends us.
  await closeAll();
  process.stdout.write(`${JSON.stringify({ ...measured, congestion })}\n`);
} finally {
  await closeAll();
}
