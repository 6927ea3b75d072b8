/**
 * One router over the nodes of several processes: nodes of this process first, a sibling's when none here will do or the
 * chosen one is clearly more loaded. Whoever has a name or a place in a uniq group is the business of `names`, which
 * looks among all nodes and answers the same in every process.
 */
import type { RoutableNode } from "@karvon/domain";
import type { Exit, ExitQuestion, Router } from "./choose-exit.ts";
import type { Exits } from "./exits.ts";
import type { NameUse } from "./sticky-sessions.ts";

/** A local node is kept as long as it has no more than this and twice the streams of a sibling's node. */
const headStartStreams = 8;

export interface AcrossParts<N extends RoutableNode> {
  readonly here: Router<N>;
  readonly everywhere: Router<N>;
  readonly names: Pick<Exits<N>, "choose"> & Pick<NameUse, "drop">;
  /** False: every node is here. */
  readonly hasRemotes: () => boolean;
}

/** The two routers share the nodes' qualities. */
export function chooseAcross<N extends RoutableNode>({ here, everywhere, names, hasRemotes }: AcrossParts<N>): Exits<N> {
  function chooseUnnamed(question: ExitQuestion<N>): ReturnType<Router<N>["choose"]> {
    if (!hasRemotes()) return here.choose(question);
    const near = here.choose(question);
    if (near.kind === "refused") return near.code === "no_exit" ? everywhere.choose(question) : near;
    if (near.node.openStreams <= headStartStreams) return near;
    const far = everywhere.choose(question);
    return far.kind === "exit" && isMuchFreer(far, near) ? far : near;
  }

  return {
    choose: (question) => (question.ask.session === null && question.ask.uniq === null ? chooseUnnamed(question) : names.choose(question)),
    connected: (exit, connectMs) => here.connected(exit, connectMs),
    failed: (node, blame) => here.failed(node, blame),
    abandoned({ sticky }, ask) {
      if (sticky !== null && ask.session === null) names.drop(sticky);
    },
    ended: (node, service) => here.ended(node, service),
  };
}

function isMuchFreer<N extends RoutableNode>(one: Exit<N>, other: Exit<N>): boolean {
  return one.node.openStreams * 2 + headStartStreams < other.node.openStreams;
}
