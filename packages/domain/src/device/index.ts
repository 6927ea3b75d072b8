export * from "./owner-limits.ts";
