export * from "./keys.ts";
export * from "./settings.ts";
