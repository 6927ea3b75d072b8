import type { RadarTick } from "@karvon/services";

/** A second in which nothing moved and nobody was there. */
export const quietTick: RadarTick = {
  atMs: 1,
  gatewayId: "gwy_quiet",
  sessionsOpen: 0,
  tunnels: 0,
  upBytes: 0,
  downBytes: 0,
  unflushedBytes: 0,
  flushLagMs: 0,
  refusals: {},
  clients: [],
  operators: [],
  nodes: [],
};
