/**
 * The siblings' nodes as they were told last, and their place among the nodes that the router may choose.
 *
 * A node that has a tunnel in this process is never shown as a sibling's. One that dials a sibling while it still has a
 * tunnel here has moved: the newer connection, by the session number that the node proves, wins on both sides.
 *
 * Limits: 50,000 nodes.
 */
import { LiveNode } from "../tunnel/live-node.ts";
import type { QualityBook } from "../router/quality-book.ts";
import type { NodeDirectory } from "../router/node-directory.ts";
import { LinkTunnel } from "./link-tunnel.ts";
import type { NodeFacts } from "./letters.ts";
import type { Links } from "./links.ts";

export interface RemoteFleet {
  /** A sibling tells of nodes whose tunnels end there. */
  told(from: number, nodes: readonly NodeFacts[]): void;
  gone(from: number, nodeIds: readonly string[]): void;
  loads(from: number, loads: readonly (readonly [string, number])[]): void;
  left(from: number): void;
  /** The link to the sibling came up. */
  linked(from: number): void;
  /** The node's tunnel here is gone: a sibling's, if there is one, takes its place. */
  restore(nodeId: string): void;
  readonly size: number;
}

export interface RemoteFleetOptions {
  /** Nodes of this process. */
  readonly local: NodeDirectory<LiveNode>;
  /** Nodes of all processes. */
  readonly all: NodeDirectory<LiveNode>;
  readonly links: Pick<Links, "find">;
  readonly qualities: QualityBook;
  readonly nowMs: () => number;
  /** The node has a newer tunnel at a sibling. */
  readonly onMoved: (node: LiveNode) => void;
}

interface Remote {
  readonly home: number;
  readonly facts: NodeFacts;
  readonly tunnel: LinkTunnel;
  readonly node: LiveNode;
}

const nodesMax = 50_000;

export function createRemoteFleet(options: RemoteFleetOptions): RemoteFleet {
  const { local, all, links } = options;
  const remotes = new Map<string, Remote>();

  function show(remote: Remote): void {
    if (local.find(remote.facts.nodeId) === null) all.put(remote.node);
  }

  function drop(remote: Remote): void {
    remotes.delete(remote.facts.nodeId);
    remote.tunnel.close();
    all.remove(remote.node);
  }

  function tell(home: number, facts: NodeFacts): void {
    const known = remotes.get(facts.nodeId);
    if (known !== undefined && known.facts.sessionSeq > facts.sessionSeq) return;
    if (known === undefined && remotes.size >= nodesMax) return;
    if (known !== undefined) drop(known);
    const tunnel = new LinkTunnel(facts.nodeId, () => links.find(home));
    tunnel.openStreams = facts.openStreams;
    const remote = { home, facts, tunnel, node: remoteNode(facts, tunnel, options) };
    remotes.set(facts.nodeId, remote);
    const own = local.find(facts.nodeId);
    if (own !== null && own.sessionSeq < facts.sessionSeq) options.onMoved(own);
    show(remote);
  }

  return {
    told(from, nodes) {
      for (const facts of nodes) tell(from, facts);
    },
    gone(from, nodeIds) {
      for (const nodeId of nodeIds) {
        const remote = remotes.get(nodeId);
        if (remote?.home === from) drop(remote);
      }
    },
    loads(from, loads) {
      for (const [nodeId, openStreams] of loads) {
        const remote = remotes.get(nodeId);
        if (remote?.home !== from) continue;
        remote.tunnel.openStreams = openStreams;
        all.reconsider(remote.node);
      }
    },
    left(from) {
      for (const remote of Array.from(remotes.values())) if (remote.home === from) drop(remote);
    },
    linked(from) {
      for (const remote of remotes.values()) if (remote.home === from) all.reconsider(remote.node);
    },
    restore(nodeId) {
      const remote = remotes.get(nodeId);
      if (remote !== undefined) show(remote);
    },
    get size() {
      return remotes.size;
    },
  };
}

/** Only the process that holds the tunnel checks keys, so there are none here. */
function remoteNode(facts: NodeFacts, tunnel: LinkTunnel, options: RemoteFleetOptions): LiveNode {
  const { nodeId, operatorId, label, isDemo, place, publicAddress, streamsMax, sessionSeq } = facts;
  const node = new LiveNode(
    { nodeId, operatorId, label, isDemo, keyId: "", algorithm: "p256", status: "active" },
    { tunnel, place, publicAddress, streamsMax, sessionSeq, quality: options.qualities.of(nodeId), connectedAtMs: options.nowMs() },
  );
  node.connectionType = facts.connectionType;
  node.scoreMicros = facts.scoreMicros;
  node.isDraining = !facts.isServing;
  return node;
}
