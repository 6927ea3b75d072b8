/** The live ticks of all gateways, one a second, already added up. The web process implements it over the ops ports. */
import type { LiveCounter, LiveFleet, LiveTraffic, RadarTick } from "@karvon/services";

export interface RadarFeed {
  /**
   * Ticks from now on, until `signal` aborts. A reader that is slower than the ticks misses some: it never makes
   * the feed keep more than a few of them.
   */
  follow(signal: AbortSignal): AsyncIterable<RadarTick>;
}

const silent = { upBytes: 0, downBytes: 0, sessionsOpen: 0 };

function find(counters: readonly LiveCounter[], id: string): Omit<LiveCounter, "id"> {
  return counters.find((counter) => counter.id === id) ?? silent;
}

/** What one client may see of a tick: its own line. */
export function clientPart(tick: RadarTick, clientId: string): LiveTraffic {
  const own = find(tick.clients, clientId);
  return { atMs: tick.atMs, upBytes: own.upBytes, downBytes: own.downBytes, sessionsOpen: own.sessionsOpen };
}

/** What one operator may see of a tick: its own line and its own nodes. */
export function operatorPart(tick: RadarTick, operatorId: string, nodeIds: ReadonlySet<string>): LiveFleet {
  const own = find(tick.operators, operatorId);
  return {
    atMs: tick.atMs,
    upBytes: own.upBytes,
    downBytes: own.downBytes,
    sessionsOpen: own.sessionsOpen,
    nodes: tick.nodes.filter((node) => nodeIds.has(node.id)),
  };
}
