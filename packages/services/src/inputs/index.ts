export * from "./admin.ts";
export * from "./allowlist.ts";
export * from "./auth.ts";
export * from "./client.ts";
export * from "./common.ts";
export * from "./operator.ts";
