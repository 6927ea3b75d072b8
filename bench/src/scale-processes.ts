/**
 * Work "processes": one gateway process, then two, every program free to run on every core.
 *
 * With two cores the load generator, the origin, the nodes and the database want the same cores as the gateway, so free
 * rates say little alone; beside them stand the gateway's and the load generator's shares of all CPU used, and what a second
 * of gateway CPU carries. So each work runs a second time with every gateway process held to `slicePercent` of a core: small enough
 * that two of them leave the others what they need, so that only what processes cost each other can keep the rate from doubling.
 */
import { buildNodes } from "./build-nodes.ts";
import { sliceCpu } from "./cpu-slice.ts";
import { isObject, numberAt, type JsonObject } from "./json.ts";
import { startKarvon, type RunningKarvon } from "./karvon.ts";
import { startOrigin } from "./peer.ts";
import { runLoad } from "./run-load.ts";
import type { SpecialContext } from "./special.ts";
import { workArguments } from "./works.ts";

const works = ["requests", "tunnels", "down"] as const;
const warmupS = 0.7;
/** The others use up to twice the CPU that the gateway uses: 0.6 cores for two processes, 1.2 for them. */
const slicePercent = 30;
/** A process that waits for its next slice must not run out of requests meanwhile. */
const slicedConnections = 256;

export async function measureProcesses(context: SpecialContext): Promise<void> {
  const { options } = context;
  const origin = await startOrigin(context.program, { place: "anywhere" });
  context.onClose(() => origin.close());
  const nodesProgram = await buildNodes(context.buildDir);
  const result: Record<string, JsonObject> = {};
  for (const [name, processes] of [["one", 1] as const, ["two", 2] as const]) {
    context.say(`starting Karvon with ${processes === 1 ? "one gateway process" : "two gateway processes"}, no cores pinned`);
    const karvon = await startKarvon({
      origin: origin.address,
      nodes: options.nodes,
      nodesProgram,
      processes,
      place: "anywhere",
      onStarted: context.onClose,
    });
    const free = await measureWorks(context, karvon, origin);
    const giveBack = sliceCpu(karvon.gatewayPids, slicePercent);
    if (giveBack === null) context.say("This system does not let this user give processes shares of a core; that part is left out.");
    const sliced = giveBack === null ? {} : await measureWorks(context, karvon, origin, slicedConnections);
    giveBack?.();
    result[name] = { ...free, sliced };
    await karvon.close();
  }
  context.onRun({ peer: "karvon", work: "processes", repetition: 0, at: new Date().toISOString(), result });
}

interface Origin {
  readonly address: string;
  readonly pid: number;
}

async function measureWorks(context: SpecialContext, karvon: RunningKarvon, origin: Origin, connections?: number): Promise<JsonObject> {
  const measured: Record<string, JsonObject> = {};
  for (const work of works) {
    const result = await measureShared(context, karvon, origin, work, connections);
    measured[work] = result;
    const held = connections === undefined ? "free" : `at ${slicePercent} % of a core each`;
    context.say(`${karvon.gatewayPids.length} gateway process(es), ${held}, ${work}: ${JSON.stringify(briefly(result))}`);
  }
  return measured;
}

async function measureShared(
  context: SpecialContext,
  karvon: RunningKarvon,
  origin: Origin,
  work: (typeof works)[number],
  connections: number | undefined,
): Promise<JsonObject> {
  const result = await runLoad({
    program: context.program,
    mode: "connect",
    origin: origin.address,
    proxy: karvon.proxy,
    credentials: karvon.credentials,
    accounts: { ...karvon.accounts, origin: { pids: [origin.pid] } },
    work: [
      ...workArguments(work, { seconds: context.options.seconds, warmupS }),
      ...(connections === undefined ? [] : ["--connections", String(connections)]),
    ],
    place: "anywhere",
  });
  const cpuS = result["cpuS"];
  const clientCpuS = numberAt(result, ["clientCpuS"]) ?? 0;
  const groups = isObject(cpuS) ? Object.keys(cpuS).map((name) => numberAt(cpuS, [name]) ?? 0) : [];
  const seconds = numberAt(result, ["seconds"]) ?? 1;
  return {
    ...result,
    /** CPU of everything that took part. */
    usedCpuS: groups.reduce((sum, value) => sum + value, clientCpuS),
    /** Cores that the gateway kept busy. */
    serverCores: (numberAt(cpuS, ["server"]) ?? 0) / seconds,
  };
}

function briefly(result: JsonObject): JsonObject {
  return Object.fromEntries(
    ["requestsPerS", "tunnelsPerS", "downMbPerS", "serverCores", "errors"].map((name) => [name, numberAt(result, [name])]),
  );
}
