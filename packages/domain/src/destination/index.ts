/** Signatures that are being filled in. */
import type { Refusal } from "../errors.ts";

/** What KARVON_EGRESS_ALLOW lets through beside the public internet. */
export interface EgressAllow {
  readonly prefixes: readonly Prefix[];
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}
export interface Prefix {
  readonly bytes: readonly number[];
  readonly bits: number;
}
export type HostCheck = { readonly kind: "name"; readonly host: string } | { readonly kind: "address"; readonly address: string; readonly family: 4 | 6 } | Refusal;
export type AddressCheck = { readonly kind: "allowed"; readonly address: string; readonly family: 4 | 6 } | Refusal;

/** Reads "CIDR" and "address:port" entries; the first bad entry is named. */
export declare function parseEgressAllow(list: readonly string[]): { kind: "allow"; allow: EgressAllow } | { kind: "bad"; entry: string };
/** A host as a client wrote it: a canonical address literal or a name fit for DNS. Private literals pass here; checkAddress judges them. */
export declare function checkHost(host: string): HostCheck;
/** A resolved or literal address. `port` matters only for allow entries that name one. */
export declare function checkAddress(address: string, allow: EgressAllow, port?: number): AddressCheck;
/** `address` is the literal address when there is one: allow entries open its ports. `extraPorts` are the client's own. */
export declare function checkPort(port: number, allow: EgressAllow, options?: { address?: string; extraPorts?: readonly number[] }): Refusal | null;
/** Host, port and (for literals) address in one go: what the gateway asks before it routes. */
export declare function checkDestination(host: string, port: number, allow: EgressAllow, extraPorts?: readonly number[]): { kind: "name" | "address"; host: string; port: number } | Refusal;
export declare function parsePrefix(cidr: string): Prefix | null;
/** Whether `address` lies in one of the prefixes (for on-link networks of a node, trusted proxies). */
export declare function isInPrefixes(address: string, prefixes: readonly Prefix[]): boolean;
