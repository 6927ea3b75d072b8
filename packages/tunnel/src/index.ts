export { Allowance, type AllowanceSource, type Mover } from "./allowance.ts";
export { connectShared } from "./connect-shared.ts";
export { createTunnel } from "./tunnel.ts";
export { resetSocket } from "./sink.ts";
export { defaultLimits, nodeLimits } from "./limits.ts";
export * from "./types.ts";
