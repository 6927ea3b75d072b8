/**
 * One fair choice among the nodes that satisfy a wish: the cheaper of two drawn at random, so that equal nodes get equal
 * shares and a better node gets more. One choice in 64 takes whoever is drawn first: a node that is avoided is still tried.
 *
 * Costs a handful of look-ups in the usual case. When the draws find nobody, the smallest bucket is gone through once, and
 * a wish that found nobody is not gone through again for a tenth of a second unless a node came. Parked nodes (full, or on
 * the bench) are asked last, and only those that have room again.
 *
 * Limits: 16 draws; a bucket of 8 is always looked at whole; 256 parked nodes; 16 nodes parked by one choice; 1,000
 * remembered empty wishes.
 */
import type { NodeIndex, NodeSource } from "./node-index.ts";
import type { RoutableNode } from "./routable-node.ts";
import { type RouteWish, wishKey } from "./route-wish.ts";
import { routeCost } from "./route-weight.ts";

export interface PickRules<N> {
  /** Whether the node counts for this choice: not tried yet, its address not held by another session of the group. */
  readonly mayTake: (node: N) => boolean;
  /**
   * Names what `mayTake` depends on beside the node, so that an empty result can be remembered for the same question;
   * null when it must not be.
   */
  readonly memo: string | null;
}

export interface NodePicker<N> {
  /** Null when nobody satisfies the wish and may be taken. The choice counts as given. */
  pick(wish: RouteWish, rules: PickRules<N>): N | null;
}

const drawsMax = 16;
const wholeMax = 8;
const parkedScanMax = 256;
const fullMax = 16;
const explorationShare = 1 / 64;
export const emptyMemoMs = 100;
const emptyMemosMax = 1_000;

export function createNodePicker<N extends RoutableNode>(
  index: NodeIndex<N>,
  options: { readonly nowMs: () => number; readonly random: () => number },
): NodePicker<N> {
  return new Picker(index, options);
}

class Picker<N extends RoutableNode> implements NodePicker<N> {
  readonly #index: NodeIndex<N>;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  readonly #empties = new Map<string, { readonly arrivals: number; readonly untilMs: number }>();
  /** Nodes that turned out to be full during a choice; parked when it is over, because parking moves rows about. */
  readonly #full: N[] = [];

  constructor(index: NodeIndex<N>, options: { readonly nowMs: () => number; readonly random: () => number }) {
    this.#index = index;
    this.#nowMs = options.nowMs;
    this.#random = options.random;
  }

  pick(wish: RouteWish, rules: PickRules<N>): N | null {
    const nowMs = this.#nowMs();
    const source = this.#index.sourceOf(wish);
    if (source.total === 0) return null;
    const found = this.#pickReady(source, rules, nowMs) ?? this.#pickParked(source, rules, nowMs);
    while (this.#full.length > 0) {
      const node = this.#full.pop();
      if (node !== undefined) this.#index.setReady(node, false);
    }
    found?.quality.given(nowMs);
    return found;
  }

  #pickReady(source: NodeSource, rules: PickRules<N>, nowMs: number): N | null {
    const { ready } = source;
    if (ready === 0) return null;
    if (ready <= wholeMax) return this.#pickFromAll(source, rules, nowMs);
    const drawn = this.#draw(ready, nowMs, (at) => this.#readyAt(source, at, rules));
    return drawn ?? this.#search(source, rules, nowMs);
  }

  /** Two that may be taken, out of at most 16 draws; the cheaper of them. */
  #draw(among: number, nowMs: number, take: (at: number) => N | null): N | null {
    let first: N | null = null;
    for (let draws = 0; draws < drawsMax; draws += 1) {
      const node = take(Math.floor(this.#random() * among));
      if (node === null || node === first) continue;
      if (first !== null) return routeCost(node, nowMs) < routeCost(first, nowMs) ? node : first;
      if (this.#random() < explorationShare) return node;
      first = node;
    }
    return first;
  }

  #pickFromAll(source: NodeSource, rules: PickRules<N>, nowMs: number): N | null {
    const { ready } = source;
    const start = Math.floor(this.#random() * ready);
    const isExploring = this.#random() < explorationShare;
    let best: N | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let step = 0; step < ready; step += 1) {
      const node = this.#readyAt(source, (start + step) % ready, rules);
      if (node === null) continue;
      if (isExploring) return node;
      const cost = routeCost(node, nowMs);
      if (cost >= bestCost) continue;
      best = node;
      bestCost = cost;
    }
    return best;
  }

  /** Goes through all ready nodes from a random one on, until one may be taken. */
  #search(source: NodeSource, rules: PickRules<N>, nowMs: number): N | null {
    const { ready } = source;
    const memo = rules.memo === null ? null : `${wishKey(source.wish)}|${rules.memo}`;
    if (memo !== null && this.#isKnownEmpty(memo, source, nowMs)) return null;
    const start = Math.floor(this.#random() * ready);
    for (let step = 0; step < ready; step += 1) {
      const node = this.#readyAt(source, (start + step) % ready, rules);
      if (node !== null) return node;
    }
    if (memo !== null) this.#noteEmpty(memo, source, nowMs);
    return null;
  }

  #pickParked(source: NodeSource, rules: PickRules<N>, nowMs: number): N | null {
    const parked = source.total - source.ready;
    if (parked === 0) return null;
    const take = (at: number): N | null => this.#parkedAt(source, at, rules);
    const drawn = this.#draw(parked, nowMs, take);
    if (drawn !== null) return drawn;
    const start = Math.floor(this.#random() * parked);
    for (let step = 0; step < Math.min(parked, parkedScanMax); step += 1) {
      const node = take((start + step) % parked);
      if (node !== null) return node;
    }
    return null;
  }

  #readyAt(source: NodeSource, at: number, rules: PickRules<N>): N | null {
    let left = at;
    for (const { rows, readyCount } of source.buckets) {
      if (left < readyCount) {
        const node = this.#usable(rows[left], source, rules);
        if (node === null || node.hasRoom) return node;
        if (this.#full.length < fullMax) this.#full.push(node);
        return null;
      }
      left -= readyCount;
    }
    return null;
  }

  #parkedAt(source: NodeSource, at: number, rules: PickRules<N>): N | null {
    let left = at;
    for (const { rows, readyCount } of source.buckets) {
      const parked = rows.length - readyCount;
      if (left < parked) {
        const node = this.#usable(rows[readyCount + left], source, rules);
        return node !== null && node.hasRoom ? node : null;
      }
      left -= parked;
    }
    return null;
  }

  #usable(row: number | undefined, source: NodeSource, rules: PickRules<N>): N | null {
    if (row === undefined || !this.#index.satisfies(row, source)) return null;
    const node = this.#index.nodeAt(row);
    return node !== undefined && node.isServing && rules.mayTake(node) ? node : null;
  }

  #isKnownEmpty(memo: string, source: NodeSource, nowMs: number): boolean {
    const known = this.#empties.get(memo);
    return known !== undefined && nowMs < known.untilMs && known.arrivals === arrivalsOf(source);
  }

  #noteEmpty(memo: string, source: NodeSource, nowMs: number): void {
    if (this.#empties.size >= emptyMemosMax) this.#empties.clear();
    this.#empties.set(memo, { arrivals: arrivalsOf(source), untilMs: nowMs + emptyMemoMs });
  }
}

function arrivalsOf({ buckets }: NodeSource): number {
  return buckets.reduce((sum, { arrivals }) => sum + arrivals, 0);
}
