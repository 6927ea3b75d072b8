export * from "./actor.ts";
export * from "./context.ts";
export * from "./pending.ts";
export type * from "./views.ts";
