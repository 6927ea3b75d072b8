/**
 * Which nodes are here and may serve, by country and by wish.
 *
 * The directory is told of every change (`put`, `remove`, `touch`) and never polls. Candidates for a wish are computed
 * once and remembered until something changes, so a choice usually costs two look-ups however many nodes there are.
 *
 * Limits: 1,000 remembered wishes.
 */
import { nodeSatisfies, type RouteWish, wishKey } from "@karvon/domain";
import { isServing, type LiveNode } from "../tunnel/live-node.ts";

export interface NodeDirectory {
  /** Adds a node, or puts a newer tunnel in the place of an older one, which it returns. */
  put(node: LiveNode): LiveNode | null;
  /** Takes this very tunnel out; a newer one of the same node stays. True when it was the current one. */
  remove(node: LiveNode): boolean;
  /** Something that decides about serving or matching changed. */
  touch(): void;
  find(nodeId: string): LiveNode | null;
  list(): Iterable<LiveNode>;
  /** Nodes that serve and satisfy the wish. */
  candidates(wish: RouteWish): readonly LiveNode[];
  listServing(): readonly LiveNode[];
  readonly size: number;
}

const wishesMax = 1_000;

export function createNodeDirectory(): NodeDirectory {
  const nodes = new Map<string, LiveNode>();
  let serving: readonly LiveNode[] | null = null;
  let byCountry = new Map<string, LiveNode[]>();
  const byWish = new Map<string, readonly LiveNode[]>();

  function touch(): void {
    serving = null;
    byWish.clear();
  }

  function listServing(): readonly LiveNode[] {
    if (serving !== null) return serving;
    const fresh = [...nodes.values()].filter(isServing);
    byCountry = new Map();
    for (const node of fresh) {
      const neighbours = byCountry.get(node.country ?? "");
      if (neighbours === undefined) byCountry.set(node.country ?? "", [node]);
      else neighbours.push(node);
    }
    serving = fresh;
    return fresh;
  }

  function search(wish: RouteWish): readonly LiveNode[] {
    const all = listServing();
    const near = wish.countries.length === 0 ? all : [...new Set(wish.countries)].flatMap((country) => byCountry.get(country) ?? []);
    return near.filter((node) => nodeSatisfies(node, wish));
  }

  return {
    put(node) {
      const older = nodes.get(node.nodeId) ?? null;
      nodes.set(node.nodeId, node);
      touch();
      return older;
    },
    remove(node) {
      if (nodes.get(node.nodeId) !== node) return false;
      nodes.delete(node.nodeId);
      touch();
      return true;
    },
    touch,
    find: (nodeId) => nodes.get(nodeId) ?? null,
    list: () => nodes.values(),
    candidates(wish) {
      const key = wishKey(wish);
      const known = byWish.get(key);
      if (known !== undefined) return known;
      const found = search(wish);
      if (byWish.size >= wishesMax) byWish.clear();
      byWish.set(key, found);
      return found;
    },
    listServing,
    get size() {
      return nodes.size;
    },
  };
}
