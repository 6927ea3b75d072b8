export * from "./flusher.ts";
export * from "./usage.ts";
