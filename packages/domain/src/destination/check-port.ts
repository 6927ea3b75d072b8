/** Which ports may be asked for. The four open ones suit the web; more are a client's own; some are never open. */
import { refuse, type Refusal } from "../errors.ts";
import { addressFromBytes, addressToBytes } from "./address.ts";
import type { EgressAllow } from "./egress-allow.ts";
import { isInPrefixes } from "./prefix.ts";

export const openPorts: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);

/** Mail, remote control, databases, file sharing, amplifiers, ADB: what abuse is made of. No client gets them. */
export const closedPorts: ReadonlySet<number> = new Set([
  0, 7, 19, 21, 22, 23, 25, 53, 69, 110, 111, 123, 135, 136, 137, 138, 139, 143, 161, 389, 445, 465, 514, 587, 993, 995, 1080, 1433, 1521,
  1900, 2049, 2375, 3128, 3306, 3389, 5060, 5353, 5432, 5555, 5900, 5985, 6379, 6667, 9200, 11211, 27017,
]);

export interface PortOptions {
  /** The literal or resolved address when it is known: allow entries open ports of addresses, never of names. */
  readonly address?: string;
  readonly extraPorts?: readonly number[];
}

/** Null when the port may be used. */
export function checkPort(port: number, allow: EgressAllow, options: PortOptions = {}): Refusal | null {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return refuse("bad_request", "the port is not between 1 and 65535");
  if (options.address !== undefined && opensPort(allow, options.address, port)) return null;
  if (closedPorts.has(port)) return refuse("port_blocked", `port ${port} is never open`);
  if (openPorts.has(port) || options.extraPorts?.includes(port) === true) return null;
  return refuse("port_blocked", `port ${port} is not open for this account`);
}

function opensPort(allow: EgressAllow, address: string, port: number): boolean {
  const bytes = addressToBytes(address);
  if (bytes === null) return false;
  const text = addressFromBytes(bytes);
  return allow.endpoints.some((entry) => entry.port === port && entry.address === text) || isInPrefixes(address, allow.prefixes);
}
