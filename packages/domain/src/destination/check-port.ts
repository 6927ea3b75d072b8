/** Which ports may be asked for. The four open ones suit the web; more are a client's own; some are never open. */
import { refuse, type Refusal } from "../errors.ts";
import { addressFromBytes, addressToBytes } from "./address.ts";
import type { EgressAllow } from "./egress-allow.ts";
import { isInPrefixes } from "./prefix.ts";

export const openPorts: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);

interface ClosedPorts {
  readonly ports: readonly number[];
  readonly why: string;
  readonly instead: string;
}

/** What abuse is made of. No client gets these, so the refusal says what to do without them. */
const closedGroups: readonly ClosedPorts[] = [
  {
    ports: [25, 110, 143, 465, 587, 993, 995],
    why: "mail through other people's lines is what spam is sent and mailboxes are guessed with",
    instead: "hand mail to your provider's submission service outside of this network",
  },
  {
    ports: [22, 23, 514, 2375, 3389, 5555, 5900, 5985],
    why: "remote control is what devices are broken into by",
    instead: "reach your own machines outside of this network",
  },
  {
    ports: [21, 69, 111, 135, 136, 137, 138, 139, 445, 2049],
    why: "file sharing is what worms spread by",
    instead: "fetch files over HTTPS",
  },
  {
    ports: [389, 1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017],
    why: "databases and directories are what data is stolen from",
    instead: "reach your own outside of this network",
  },
  {
    ports: [1080, 3128, 5060, 6667],
    why: "other proxies, calls and chat relays are what an attacker hides behind",
    instead: "reach the target itself, on a port of the web",
  },
  {
    ports: [0, 7, 19, 53, 123, 161, 1900, 5353],
    why: "small services are what floods are amplified with",
    instead: "leave them to your own network; names are resolved at the exit anyway",
  },
];

const closedGroupOf: ReadonlyMap<number, ClosedPorts> = new Map(
  closedGroups.flatMap((group) => group.ports.map((port) => [port, group] as const)),
);

export const closedPorts: ReadonlySet<number> = new Set(closedGroupOf.keys());

export interface PortOptions {
  /** The literal or resolved address when it is known: allow entries open ports of addresses, never of names. */
  readonly address?: string;
  readonly extraPorts?: readonly number[];
}

/** Null when the port may be used. */
export function checkPort(port: number, allow: EgressAllow, options: PortOptions = {}): Refusal | null {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return refuse("bad_request", "the port is not between 1 and 65535");
  if (options.address !== undefined && opensPort(allow, options.address, port)) return null;
  const closed = closedGroupOf.get(port);
  if (closed !== undefined)
    return refuse("port_blocked", `port ${port} is never carried, for any account: ${closed.why}; ${closed.instead}`);
  if (openPorts.has(port) || options.extraPorts?.includes(port) === true) return null;
  return refuse("port_blocked", `port ${port} is not open for this account; write to support to ask for it`);
}

function opensPort(allow: EgressAllow, address: string, port: number): boolean {
  const bytes = addressToBytes(address);
  if (bytes === null) return false;
  const text = addressFromBytes(bytes);
  return allow.endpoints.some((entry) => entry.port === port && entry.address === text) || isInPrefixes(address, allow.prefixes);
}
