import type { RouteNode } from "./route-wish.ts";

/** Pairs drawn before the choice looks at every candidate. */
const pairsMax = 4;

/**
 * A fair choice among nodes that all satisfy the wish: the less loaded of two drawn at random, and of equally loaded
 * ones the one that was given fewer streams so far. Null when none is usable.
 *
 * `isUsable` says which candidates count (not tried yet, not full); `random` gives numbers in [0, 1).
 * Costs a handful of look-ups in the usual case, one pass over the candidates when most of them are unusable.
 */
export function chooseNode<N extends RouteNode>(candidates: readonly N[], isUsable: (node: N) => boolean, random: () => number): N | null {
  for (let pair = 0; pair < pairsMax; pair += 1) {
    const first = drawn(candidates, random, isUsable);
    const second = drawn(candidates, random, isUsable);
    if (first !== null && second !== null) return lessLoaded(first, second);
  }
  let best: N | null = null;
  for (const node of candidates) {
    if (isUsable(node)) best = best === null ? node : lessLoaded(best, node);
  }
  return best;
}

function drawn<N extends RouteNode>(candidates: readonly N[], random: () => number, isUsable: (node: N) => boolean): N | null {
  const node = candidates[Math.floor(random() * candidates.length)];
  return node !== undefined && isUsable(node) ? node : null;
}

function lessLoaded<N extends RouteNode>(one: N, other: N): N {
  if (one.openStreams !== other.openStreams) return one.openStreams < other.openStreams ? one : other;
  return one.streamsGiven <= other.streamsGiven ? one : other;
}
