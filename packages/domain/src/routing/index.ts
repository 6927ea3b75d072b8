export * from "./countries.ts";
export * from "./node-index.ts";
export * from "./node-quality.ts";
export * from "./pick-node.ts";
export * from "./place-slug.ts";
export * from "./routable-node.ts";
export * from "./route-weight.ts";
export * from "./route-wish.ts";
