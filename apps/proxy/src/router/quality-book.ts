/**
 * Remembers what is known of a node's quality while it is away, so that hanging up does not make a bad node a new one.
 *
 * Limits: 60,000 nodes; then the one that joined longest ago is forgotten, which costs it nothing while it stays.
 */
import { NodeQuality } from "@karvon/domain";

export interface QualityBook {
  /** The node's quality, a neutral one for a stranger. */
  of(nodeId: string): NodeQuality;
}

const nodesMax = 60_000;

export function createQualityBook(monotonicMs: () => number): QualityBook {
  const known = new Map<string, NodeQuality>();
  return {
    of(nodeId) {
      const quality = known.get(nodeId) ?? new NodeQuality(monotonicMs());
      // The map's order is the order of joining.
      known.delete(nodeId);
      known.set(nodeId, quality);
      if (known.size <= nodesMax) return quality;
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
      return quality;
    },
  };
}
