export * from "./keys.ts";
export { paymentVariables } from "./payments.ts";
export * from "./settings.ts";
export type { PortRange } from "./values.ts";
