export * from "./feed.ts";
export * from "./sniff.ts";
export type * from "./http/types.ts";
export * from "./tunnel/control.ts";
export * from "./pending.ts";
export * from "./tunnel/frame.ts";
export * from "./tunnel/frame-reader.ts";
export * from "./tunnel/stream-frames.ts";
