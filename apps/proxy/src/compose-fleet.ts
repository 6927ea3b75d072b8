/** The nodes' half of the data plane: tunnels, what devices report, the siblings' nodes, and the router over all of them. */
import type { GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import type { MemoryPressure } from "@karvon/tunnel";
import { createPocket, type Pocket } from "./pocket/pocket.ts";
import { chooseAcross } from "./router/choose-across.ts";
import { createRouter, type Router } from "./router/choose-exit.ts";
import type { Exits } from "./router/exits.ts";
import type { NodeDirectory } from "./router/node-directory.ts";
import type { QualityBook } from "./router/quality-book.ts";
import type { NameUse, StickySessions } from "./router/sticky-sessions.ts";
import type { Membership } from "./siblings/membership.ts";
import { createSiblings, type Siblings } from "./siblings/siblings.ts";
import type { SharedCounts } from "./session/shared-count.ts";
import { refusal as nodeRefusal } from "./tunnel/judge-node.ts";
import type { LiveNode, NodePlace } from "./tunnel/live-node.ts";
import { createTunnelManager, type TunnelManager } from "./tunnel/tunnel-manager.ts";

export interface FleetOptions {
  readonly gatewayId: string;
  /** Null for a process that is alone. */
  readonly membership: Membership | null;
  readonly database: GatewayDatabase;
  /** Nodes of this process; what it is told reaches `everywhere` too. */
  readonly directory: NodeDirectory<LiveNode>;
  readonly everywhere: NodeDirectory<LiveNode> | null;
  readonly qualities: QualityBook;
  readonly sticky: StickySessions;
  readonly shared: SharedCounts;
  readonly pressure: MemoryPressure;
  /** See TunnelOptions. */
  readonly beforeRelease: (() => void) | null;
  readonly locate: (address: string) => Promise<NodePlace>;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  /** Ports of siblings on this machine. */
  readonly onPorts: (ports: readonly number[]) => void;
  readonly onRetire: () => void;
}

export interface Fleet {
  readonly pocket: Pocket;
  readonly tunnels: TunnelManager;
  readonly siblings: Siblings | null;
  readonly router: Exits<LiveNode>;
  /** Where connections of named sessions tell of themselves. */
  readonly names: NameUse;
}

export function createFleet(options: FleetOptions): Fleet {
  const pocket = createPocket(options);
  const tunnels = createTunnelManager({
    ...options,
    onJoined(node) {
      pocket.joined(node);
      siblings?.announcer.joined(node);
    },
    onLeft(node) {
      pocket.left(node);
      siblings?.left(node);
    },
    onDismissed: (nodeId, isExpelled) => siblings?.dismissed(nodeId, isExpelled),
    onReport(node, message) {
      if (message.type === "status") return pocket.reported(node, message.payload);
      tunnels.dismiss(node, nodeRefusal("consent_withdrawn", "Consent was withdrawn; thank you."), "ownerStopped");
      return pocket.withdrawn(node);
    },
  });
  const here = createRouter(options);
  const across = joinAcross(options, here, tunnels, pocket);
  const siblings = across?.siblings ?? null;
  return { pocket, tunnels, siblings, router: across?.router ?? here, names: siblings?.names ?? options.sticky };
}

/** Null for a process that is alone. */
function joinAcross(
  options: FleetOptions,
  here: Router<LiveNode>,
  tunnels: TunnelManager,
  pocket: Pocket,
): { readonly siblings: Siblings; readonly router: Exits<LiveNode> } | null {
  const { membership, directory, everywhere: all } = options;
  if (membership === null || all === null) return null;
  const everywhere = createRouter({ ...options, directory: all });
  const siblings: Siblings = createSiblings({
    ...options,
    membership,
    router: everywhere,
    local: directory,
    all,
    findNode: (nodeId) => tunnels.find(nodeId),
    onDismissed: (nodeId, isExpelled) => tunnels.dismissedElsewhere(nodeId, isExpelled),
    onMoved(node) {
      tunnels.handOver(node);
      pocket.handedOver(node);
      siblings.announcer.left(node);
    },
  });
  const { names } = siblings;
  return { siblings, router: chooseAcross({ here, everywhere, names, hasRemotes: () => siblings.remotesCount > 0 }) };
}
