export type * from "./types.ts";
export { openGatewayDatabase } from "./gateway-database.ts";
