export * from "./corpora.ts";
export * from "./fuzz.ts";
export * from "./injure.ts";
