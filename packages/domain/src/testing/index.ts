export * from "./test-node.ts";
