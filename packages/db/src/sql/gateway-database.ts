import type { GatewayDatabase, GatewayDatabaseOptions } from "./types.ts";

export function openGatewayDatabase(_options: GatewayDatabaseOptions): GatewayDatabase {
  throw new Error("not written yet");
}
