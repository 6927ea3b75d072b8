/** What KARVON_EGRESS_ALLOW lets through beside the public internet, for tests and the demo's echo target. */
import { addressFromBytes, addressToBytes } from "./address.ts";
import { parsePrefix, type Prefix } from "./prefix.ts";

export interface EgressAllow {
  /** Every port of these addresses. */
  readonly prefixes: readonly Prefix[];
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

/** Nothing beside the public internet. */
export const noEgressAllow: EgressAllow = { prefixes: [], endpoints: [] };

/** Entries are `10.0.0.0/8`, `127.0.0.1:8080`, `[::1]:8080` or a bare address. The first bad one is named. */
export function parseEgressAllow(
  list: readonly string[],
): { readonly kind: "allow"; readonly allow: EgressAllow } | { readonly kind: "bad"; readonly entry: string } {
  const prefixes: Prefix[] = [];
  const endpoints: { address: string; port: number }[] = [];
  for (const entry of list) {
    const prefix = parsePrefix(entry);
    const endpoint = prefix === null ? parseEndpoint(entry) : null;
    if (prefix !== null) prefixes.push(prefix);
    else if (endpoint !== null) endpoints.push(endpoint);
    else return { kind: "bad", entry };
  }
  return { kind: "allow", allow: { prefixes, endpoints } };
}

function parseEndpoint(entry: string): { address: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([1-9]\d{0,4})$/.exec(entry);
  const bytes = addressToBytes(match?.[1] ?? match?.[2] ?? "");
  const address = bytes === null ? null : addressFromBytes(bytes);
  const port = Number(match?.[3]);
  return address === null || !(port <= 65_535) ? null : { address, port };
}
