/** The nodes' half of the data plane: tunnels, what devices report, the siblings' nodes, and the router over all of them. */
import type { GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import type { MemoryPressure } from "@karvon/tunnel";
import { createPocket, type Pocket } from "./pocket/pocket.ts";
import { chooseAcross } from "./router/choose-across.ts";
import { createRouter, type Router, type RouterOptions } from "./router/choose-exit.ts";
import type { NodeDirectory } from "./router/node-directory.ts";
import type { QualityBook } from "./router/quality-book.ts";
import type { Membership } from "./siblings/membership.ts";
import { createSiblings, type Siblings } from "./siblings/siblings.ts";
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
  readonly pressure: MemoryPressure;
  readonly locate: (address: string) => Promise<NodePlace>;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly onRetire: () => void;
}

export interface Fleet {
  readonly pocket: Pocket;
  readonly tunnels: TunnelManager;
  readonly siblings: Siblings | null;
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
    onReport(node, message) {
      if (message.type === "status") return pocket.reported(node, message.payload);
      tunnels.dismiss(node, nodeRefusal("consent_withdrawn", "Consent was withdrawn; thank you."), "ownerStopped");
      return pocket.withdrawn(node);
    },
  });
  const siblings = createSiblingsOf(options, tunnels, pocket);
  return { pocket, tunnels, siblings };
}

function createSiblingsOf(options: FleetOptions, tunnels: TunnelManager, pocket: Pocket): Siblings | null {
  const { membership, directory, everywhere } = options;
  if (membership === null || everywhere === null) return null;
  const siblings = createSiblings({
    ...options,
    membership,
    local: directory,
    all: everywhere,
    findNode: (nodeId) => tunnels.find(nodeId),
    onMoved(node) {
      tunnels.handOver(node);
      pocket.handedOver(node);
      siblings.announcer.left(node);
    },
  });
  return siblings;
}

export function createRouterOf(options: RouterOptions<LiveNode> & Pick<FleetOptions, "everywhere">, { siblings }: Fleet): Router<LiveNode> {
  const here = createRouter(options);
  if (siblings === null || options.everywhere === null) return here;
  const everywhere = createRouter({ ...options, directory: options.everywhere });
  return chooseAcross(here, everywhere, () => siblings.remotesCount > 0);
}
