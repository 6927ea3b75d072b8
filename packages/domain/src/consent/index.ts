export * from "./consent-text.ts";
