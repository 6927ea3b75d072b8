/**
 * Runs works against peers in turn: Karvon, its peers, and backwards the next time, so that what disturbs the machine hits all.
 *
 * A run in which other programs used more than `disturbedPercent` of the machine is repeated once and the quieter of the
 * two is kept. Between runs it waits for a quiet machine, but never longer than `quietLimitMs`.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Run } from "./figures.ts";
import { numberAt, type JsonObject } from "./json.ts";
import { waitForQuiet } from "./machine.ts";
import { repeatedPeers } from "./peer-names.ts";
import type { Entrance, RunningPeer } from "./peer.ts";
import { runLoad } from "./run-load.ts";
import { isMemoryWork, wayOf, workArguments, workPlan, type WorkName } from "./works.ts";

const triesMax = 2;
const disturbedPercent = 10;
const quietLimitMs = 3_000;
const warmupS = 0.7;
/** Sockets of the run before are closed by then. */
const settleMs = 300;
/** Idle memory is that of a program that has been idle for a while: whatever runs at its start is over. */
const idleMs = 20_000;

export interface Plan {
  readonly program: string;
  /** host:port. */
  readonly origin: string;
  readonly originPid: number;
  readonly works: readonly WorkName[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly onRun: (run: Run) => void;
}

/** Memory first, while nobody has loaded the processes; then the rates, each peer in turn. */
export async function measurePeers(plan: Plan, running: readonly RunningPeer[]): Promise<void> {
  for (const work of plan.works.filter(isMemoryWork)) {
    for (const peer of running) await measureOne(plan, peer, work, 0);
  }
  const rates = plan.works.filter((name) => !isMemoryWork(name));
  for (let repetition = 0; repetition < plan.repetitions; repetition += 1) {
    const order = repetition % 2 === 0 ? running : running.toReversed();
    for (const work of rates) {
      for (const peer of order) {
        if (repetition === 0 || repeatedPeers.includes(peer.peer)) await measureOne(plan, peer, work, repetition);
      }
    }
  }
}

/** The same works without any proxy, once: what this machine's loopback gives at best. */
export async function measureDirect(plan: Plan): Promise<void> {
  for (const work of plan.works.filter((name) => !isMemoryWork(name) && wayOf(name) === "tunnel")) {
    const result = await runLoad({
      program: plan.program,
      mode: "direct",
      origin: plan.origin,
      accounts: { origin: { pids: [plan.originPid] } },
      work: workArguments(work, { seconds: Math.min(1, plan.seconds), warmupS: 0.2 }),
    });
    plan.onRun({ peer: "direct", work, repetition: 0, at: new Date().toISOString(), result });
  }
}

async function measureOne(plan: Plan, peer: RunningPeer, work: WorkName, repetition: number): Promise<void> {
  const entrance = peer.entrances[wayOf(work)];
  if (entrance === undefined || (workPlan(work).isOurs === true && peer.peer !== "karvon")) return;
  let best: JsonObject | undefined;
  for (let attempt = 0; attempt < triesMax; attempt += 1) {
    await pause(isMemoryWork(work) ? idleMs : settleMs);
    await waitForQuiet(quietLimitMs);
    const result = await loadOnce(plan, peer, entrance, work);
    if (best === undefined || otherPercent(result) < otherPercent(best)) best = result;
    // Held sessions are measured on a process that nobody has loaded: a second try would find its heap already grown.
    if (otherPercent(best) <= disturbedPercent || isMemoryWork(work)) break;
  }
  if (best !== undefined) plan.onRun({ peer: peer.peer, work, repetition, at: new Date().toISOString(), result: best });
}

function loadOnce(plan: Plan, peer: RunningPeer, entrance: Entrance, work: WorkName): Promise<JsonObject> {
  const { target = plan.origin, ...through } = entrance;
  return runLoad({
    program: plan.program,
    ...through,
    origin: target,
    accounts: { ...peer.accounts, origin: { pids: [plan.originPid] } },
    work: workArguments(work, { seconds: plan.seconds, warmupS }),
  });
}

function otherPercent(result: JsonObject): number {
  return numberAt(result, ["otherCpuPercent"]) ?? 0;
}
