export { connectShared } from "./connect-shared.ts";
export { createTunnel } from "./tunnel.ts";
export { resetSocket } from "./sink.ts";
export { defaultLimits, nodeLimits } from "./limits.ts";
export * from "./types.ts";
