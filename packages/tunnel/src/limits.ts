import type { TunnelLimits } from "./types.ts";

const kb = 1_024;
const mb = 1_024 * kb;

/** The gateway's values. */
export const defaultLimits: TunnelLimits = {
  streamsMax: 1_024,
  startWindowBytes: 64 * kb,
  firstCreditBytes: 256 * kb,
  minWindowBytes: 32 * kb,
  maxWindowBytes: 4 * mb,
  tightWindowBytes: 1 * mb,
  activeCreditMaxBytes: 4 * mb,
  openCreditMaxBytes: 16 * mb,
  slabBytes: 128 * kb,
  slowSlabBytes: 32 * kb,
  // More than one read of 64 KB, which TLS gives: otherwise every read of a bulk upload pauses its socket.
  pauseAtBytes: 96 * kb,
  resumeBelowBytes: 64 * kb,
  controlQueueMaxBytes: 512 * kb,
  pingIdleMs: 5_000,
  deadAfterMs: 10_000,
  writeStallMs: 30_000,
  busyPingMs: 100,
  drainMs: 30_000,
  lingerMs: 60_000,
};

/** A node writes smaller slabs, one frame at a time once its uplink queues: there a big slab is a queue of its own. */
export const nodeLimits: TunnelLimits = {
  ...defaultLimits,
  slabBytes: 64 * kb,
  slowSlabBytes: 16 * kb + 512,
  pauseAtBytes: 64 * kb,
  resumeBelowBytes: 32 * kb,
};
