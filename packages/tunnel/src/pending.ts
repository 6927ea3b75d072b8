/** Signatures that are being filled in. */
import type { Tunnel, TunnelLimits, TunnelOptions } from "./types.ts";

export declare function createTunnel(options: TunnelOptions): Tunnel;
export declare const defaultLimits: TunnelLimits;
