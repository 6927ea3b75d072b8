/** Keeps a directory of all processes' nodes in step with the one of this process. */
import type { RoutableNode } from "@karvon/domain";
import type { NodeDirectory } from "./node-directory.ts";

/** What is told to it reaches both; what it answers is this process's. */
export function shareDirectory<N extends RoutableNode>(local: NodeDirectory<N>, all: NodeDirectory<N>): NodeDirectory<N> {
  return {
    put(node) {
      all.put(node);
      return local.put(node);
    },
    remove(node) {
      all.remove(node);
      return local.remove(node);
    },
    changed(node) {
      all.changed(node);
      local.changed(node);
    },
    reconsider(node) {
      all.reconsider(node);
      local.reconsider(node);
    },
    sweep() {
      all.sweep();
      local.sweep();
    },
    find: (nodeId) => local.find(nodeId),
    list: () => local.list(),
    index: local.index,
    get size() {
      return local.size;
    },
  };
}
