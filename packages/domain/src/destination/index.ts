export * from "./address.ts";
export * from "./check-address.ts";
export * from "./check-destination.ts";
export * from "./check-host.ts";
export * from "./check-port.ts";
export * from "./egress-allow.ts";
export * from "./prefix.ts";
export * from "./registrable-host.ts";
