export * from "./keys.ts";
export * from "./settings.ts";
export type { PortRange } from "./values.ts";
