export * from "./payout-destination.ts";
