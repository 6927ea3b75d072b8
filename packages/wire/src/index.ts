export * from "./feed.ts";
export * from "./sniff.ts";
export type * from "./http/types.ts";
export * from "./tunnel/control.ts";
export * from "./pending.ts";
