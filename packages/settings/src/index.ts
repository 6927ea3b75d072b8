export * from "./keys.ts";
export { paymentVariables } from "./payments.ts";
export * from "./settings.ts";
export type { JournalMode, PortRange } from "./values.ts";
