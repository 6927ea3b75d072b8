/** How long to wait before dialling again: full jitter, so that devices that lost one gateway do not return as one. */

const firstMs = 500;
const lastMs = 30_000;
/** After a refusal nothing changes within seconds: an operator has to act. */
const refusedFirstMs = 15_000;
const refusedLastMs = 300_000;

export type WhyAgain = "failed" | "refused" | "replaced" | "invited";

/** `attempt` counts from 1 and starts over once a connection has served. `random` is in [0, 1). */
export function reconnectDelayMs(why: WhyAgain, attempt: number, random: number): number {
  if (why === "invited") return Math.floor(random * 1_000);
  const isSlow = why !== "failed";
  const ceiling = Math.min(isSlow ? refusedLastMs : lastMs, (isSlow ? refusedFirstMs : firstMs) * 2 ** Math.min(attempt, 16));
  // Slow waits keep a floor: with pure jitter a refused device would now and then be back at once.
  return isSlow ? Math.floor(ceiling * (0.5 + random / 2)) : Math.floor(ceiling * random);
}
