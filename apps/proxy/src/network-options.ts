/** Lists and hosts of the settings in the form that the data plane asks. RangeError names the setting that is wrong. */
import { type EgressAllow, parseEgressAllow, parsePrefix, type Prefix } from "@karvon/domain";

export function readEgressAllow(list: readonly string[]): EgressAllow {
  const parsed = parseEgressAllow(list);
  if (parsed.kind === "bad") throw new RangeError(`KARVON_EGRESS_ALLOW is wrong: "${parsed.entry}" is no block, address or address:port.`);
  return parsed.allow;
}

export function readPrefixes(list: readonly string[]): Prefix[] {
  return list.map((cidr) => {
    const prefix = parsePrefix(cidr);
    if (prefix === null) throw new RangeError(`KARVON_TRUSTED_PROXIES is wrong: "${cidr}" is no CIDR block.`);
    return prefix;
  });
}

/** Where the panels find the ops port: on its own address, or on the public host when it listens on all of them. */
export function opsUrlOf({ opsHost, publicHost }: { readonly opsHost: string; readonly publicHost: string }, port: number): string {
  const host = opsHost === "0.0.0.0" || opsHost === "::" ? publicHost : opsHost;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
