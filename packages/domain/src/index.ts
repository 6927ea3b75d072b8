export * from "./ask.ts";
export * from "./destination/index.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./money.ts";
export * from "./routing/index.ts";
export * from "./units.ts";
