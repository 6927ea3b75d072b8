export { systemClock, type Clock } from "./clock.ts";
export { startFlusher, type Flusher, type FlusherOptions, type RecoveredUsage } from "./flusher.ts";
export type { FlushFailure } from "./poster.ts";
export { recordBatch } from "./record-batch.ts";
export { batchSessionsMax, splitSample } from "./split-sample.ts";
export { UsageRefusedError } from "./usage.ts";
export type * from "./usage.ts";
