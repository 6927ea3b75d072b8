export * from "./choose-node.ts";
export * from "./countries.ts";
export * from "./route-wish.ts";
