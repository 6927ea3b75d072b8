export * from "./app-router.ts";
export * from "./context.ts";
export * from "./radar-feed.ts";
export { batchCallsMax, unforeseenMessage } from "./trpc.ts";
