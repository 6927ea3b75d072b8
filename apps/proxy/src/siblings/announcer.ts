/**
 * Tells the siblings which nodes have their tunnels here: arrivals and departures at once, changes and loads every 100 ms.
 *
 * Limits: letters of 200 nodes or 2,000 loads; nothing is sent while there are no siblings.
 */
import type { LiveNode } from "../tunnel/live-node.ts";
import type { NodeDirectory } from "../router/node-directory.ts";
import { type Letter, loadsPerLetterMax, type NodeFacts, nodesPerLetterMax } from "./letters.ts";

export interface AnnouncerOptions {
  readonly local: NodeDirectory<LiveNode>;
  readonly hasListeners: () => boolean;
  readonly broadcast: (letter: Letter) => void;
}

export interface Announcer {
  joined(node: LiveNode): void;
  left(node: LiveNode): void;
  /** Everything that is here now, for one who came. */
  describeAll(send: (letter: Letter) => void): void;
  close(): void;
}

interface Told {
  facts: NodeFacts;
  openStreams: number;
}

const everyMs = 100;

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const told = new WeakMap<LiveNode, Told>();

  function note(node: LiveNode): NodeFacts {
    const facts = factsOf(node);
    told.set(node, { facts, openStreams: facts.openStreams });
    return facts;
  }

  function tellChanges(): void {
    if (!options.hasListeners()) return;
    const changed: NodeFacts[] = [];
    const loads: [string, number][] = [];
    for (const node of options.local.list()) {
      const last = told.get(node);
      if (last === undefined || isOutdated(last.facts, node)) {
        changed.push(note(node));
      } else if (last.openStreams !== node.openStreams) {
        last.openStreams = node.openStreams;
        loads.push([node.nodeId, node.openStreams]);
      }
    }
    for (const nodes of cut(changed, nodesPerLetterMax)) options.broadcast({ kind: "nodes", nodes, isWhole: false });
    for (const some of cut(loads, loadsPerLetterMax)) options.broadcast({ kind: "loads", loads: some });
  }

  const timer = setInterval(tellChanges, everyMs);
  timer.unref();
  return {
    joined(node) {
      const facts = note(node);
      if (options.hasListeners()) options.broadcast({ kind: "nodes", nodes: [facts], isWhole: false });
    },
    left(node) {
      if (options.hasListeners()) options.broadcast({ kind: "gone", nodeIds: [node.nodeId] });
    },
    describeAll(send) {
      const all = Array.from(options.local.list(), factsOf);
      for (const nodes of cut(all, nodesPerLetterMax)) send({ kind: "nodes", nodes, isWhole: false });
      send({ kind: "nodes", nodes: [], isWhole: true });
    },
    close: () => clearInterval(timer),
  };
}

function isOutdated(facts: NodeFacts, node: LiveNode): boolean {
  return facts.isServing !== node.isServing || facts.connectionType !== node.connectionType || facts.scoreMicros !== node.scoreMicros;
}

function factsOf(node: LiveNode): NodeFacts {
  const { nodeId, operatorId, label, isDemo, place, publicAddress, connectionType, scoreMicros, isServing } = node;
  const { streamsMax, openStreams, sessionSeq } = node;
  return {
    nodeId,
    operatorId,
    label,
    isDemo,
    place,
    publicAddress,
    connectionType,
    scoreMicros,
    isServing,
    streamsMax,
    openStreams,
    sessionSeq,
  };
}

function* cut<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
