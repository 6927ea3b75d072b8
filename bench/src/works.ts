/**
 * What is done to a proxy, as command lines of the load generator.
 * Every work is bounded in connections and seconds; `main.ts` chooses which run and how often.
 */
export interface WorkTimes {
  readonly seconds: number;
  readonly warmupS: number;
}

export type WorkName = "hold1000" | "hold10000" | "requests" | "paced" | "tunnels" | "down" | "up" | "alone" | "bulk" | "stalled";

/** Works that need a process nobody has loaded yet: they read its memory. */
export const memoryWorks: readonly WorkName[] = ["hold1000", "hold10000"];
export const shortWorks: readonly WorkName[] = ["hold1000", "requests", "paced", "tunnels", "down", "up"];
export const fullWorks: readonly WorkName[] = [...memoryWorks, "requests", "paced", "tunnels", "down", "up", "alone", "bulk", "stalled"];

/** Seconds for which held sessions stay idle, to see that they neither cost CPU nor die. */
const holdSeconds = 3;
/** Tunnels opened a second while ramping up; above it the measured thing would be the listen queue. */
const rampPerS = 1_000;

const plans: Readonly<Record<WorkName, readonly string[]>> = {
  hold1000: ["--work", "hold", "--connections", "1000", "--ramp", String(rampPerS)],
  hold10000: ["--work", "hold", "--connections", "10000", "--ramp", String(rampPerS)],
  requests: ["--work", "requests", "--connections", "64"],
  paced: ["--work", "requests", "--connections", "64", "--rate", "1000"],
  tunnels: ["--work", "tunnels", "--connections", "64"],
  down: ["--work", "down", "--connections", "16"],
  up: ["--work", "up", "--connections", "16"],
  alone: ["--work", "requests", "--connections", "16", "--rate", "200"],
  bulk: ["--work", "requests", "--connections", "16", "--rate", "200", "--bulk", "4"],
  stalled: ["--work", "requests", "--connections", "16", "--rate", "200", "--stalled", "8"],
};

export function isWorkName(text: string): text is WorkName {
  return Object.hasOwn(plans, text);
}

export function workArguments(work: WorkName, times: WorkTimes): readonly string[] {
  const isHold = memoryWorks.includes(work);
  const timing = isHold ? ["--seconds", String(holdSeconds)] : ["--seconds", String(times.seconds), "--warmup", String(times.warmupS)];
  return [...plans[work], ...timing];
}
