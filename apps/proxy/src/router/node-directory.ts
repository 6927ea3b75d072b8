/**
 * Which nodes are here, and the index of those that may serve.
 *
 * Whoever changes something that decides about serving or matching says so (`put`, `remove`, `changed`); each costs a fixed
 * number of steps. It holds any node with the facts of `RoutableNode`, wherever its tunnel ends.
 *
 * Limits: nodes that are full or on the bench are looked at again when a session of theirs ends and at every sweep.
 */
import { NodeIndex, type RoutableNode } from "@karvon/domain";

export interface NodeDirectory<N extends RoutableNode> {
  /** Adds a node, or puts a newer tunnel in the place of an older one, which it returns. */
  put(node: N): N | null;
  /** Takes this very tunnel out; a newer one of the same node stays. True when it was the current one. */
  remove(node: N): boolean;
  /** Something that decides about serving or matching changed: its standing, its report, its type. */
  changed(node: N): void;
  /** The node may have become full, or free again, or have come to the bench. */
  reconsider(node: N): void;
  /** Reconsiders every node that is out of the draw. */
  sweep(): void;
  find(nodeId: string): N | null;
  list(): Iterable<N>;
  /** The nodes that serve, by their facts. */
  readonly index: NodeIndex<N>;
  readonly size: number;
}

/** `monotonicMs` is the clock of the nodes' quality. */
export function createNodeDirectory<N extends RoutableNode>(monotonicMs: () => number): NodeDirectory<N> {
  const nodes = new Map<string, N>();
  const index = new NodeIndex<N>();

  function changed(node: N): void {
    if (node.isServing && nodes.get(node.nodeId) === node) {
      index.put(node);
      reconsider(node);
    } else index.remove(node);
  }

  function reconsider(node: N): void {
    index.setReady(node, node.hasRoom && !node.quality.isBenched(monotonicMs()));
  }

  return {
    put(node) {
      const older = nodes.get(node.nodeId) ?? null;
      if (older !== null) index.remove(older);
      nodes.set(node.nodeId, node);
      changed(node);
      return older;
    },
    remove(node) {
      index.remove(node);
      if (nodes.get(node.nodeId) !== node) return false;
      nodes.delete(node.nodeId);
      return true;
    },
    changed,
    reconsider,
    sweep() {
      for (const node of Array.from(index.parked)) reconsider(node);
    },
    find: (nodeId) => nodes.get(nodeId) ?? null,
    list: () => nodes.values(),
    index,
    get size() {
      return nodes.size;
    },
  };
}
