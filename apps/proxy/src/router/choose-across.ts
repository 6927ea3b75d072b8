/**
 * One router over the nodes of several processes: nodes of this process first, a sibling's when none here will do or the
 * chosen one is clearly more loaded. A named session and a uniq group are looked for among all nodes, wherever they end.
 */
import type { RoutableNode } from "@karvon/domain";
import type { Exit, Router } from "./choose-exit.ts";

/** A local node is kept as long as it has no more than this and twice the streams of a sibling's node. */
const headStartStreams = 8;

/** `hasRemotes` false: everything is here. Both routers share their named sessions and the nodes' qualities. */
export function chooseAcross<N extends RoutableNode>(here: Router<N>, everywhere: Router<N>, hasRemotes: () => boolean): Router<N> {
  return {
    choose(question) {
      if (!hasRemotes()) return here.choose(question);
      if (question.ask.session !== null || question.ask.uniq !== null) return everywhere.choose(question);
      const near = here.choose(question);
      if (near.kind === "refused") return near.code === "no_exit" ? everywhere.choose(question) : near;
      if (near.node.openStreams <= headStartStreams) return near;
      const far = everywhere.choose(question);
      return far.kind === "exit" && isMuchFreer(far, near) ? far : near;
    },
    connected: (exit, connectMs) => here.connected(exit, connectMs),
    failed: (node, blame) => here.failed(node, blame),
    abandoned: (exit, ask) => here.abandoned(exit, ask),
    ended: (node, service) => here.ended(node, service),
  };
}

function isMuchFreer<N extends RoutableNode>(one: Exit<N>, other: Exit<N>): boolean {
  return one.node.openStreams * 2 + headStartStreams < other.node.openStreams;
}
