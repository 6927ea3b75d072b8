export { startProxy, type RunningProxy } from "./start-proxy.ts";
export type { ProxyOptions } from "./proxy-options.ts";
export type { RadarTick } from "./radar/ticker.ts";
export type { Availability } from "./ops/read-availability.ts";
