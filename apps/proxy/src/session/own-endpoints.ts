/**
 * The gateway's own doors: its ports, and the database's, on any address of this machine.
 *
 * A private address is refused anyway; this holds where loopback is allowed for demos and tests, and where the gateway
 * has a public address of its own, so that nobody reaches the database through a node nearby or builds a loop.
 * Addresses are read again at most once a minute. Nothing is refused for any other port.
 */
import { isInPrefixes, parsePrefix, type Prefix, type Refusal, refuse } from "@karvon/domain";
import { networkInterfaces } from "node:os";

export interface OwnEndpoints {
  add(...ports: readonly number[]): void;
  /** `address` in its canonical text. */
  refuse(address: string, port: number): Refusal | null;
}

const addressesMs = 60_000;
const loopback: readonly Prefix[] = ["127.0.0.0/8", "::1/128", "0.0.0.0/32", "::/128"].flatMap((cidr) => parsePrefix(cidr) ?? []);

export function createOwnEndpoints(monotonicMs: () => number): OwnEndpoints {
  const ports = new Set<number>();
  let addresses: ReadonlySet<string> = new Set();
  let readAtMs = Number.NEGATIVE_INFINITY;

  function isOwn(address: string): boolean {
    if (isInPrefixes(address, loopback)) return true;
    if (monotonicMs() - readAtMs > addressesMs) {
      readAtMs = monotonicMs();
      addresses = new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address)));
    }
    return addresses.has(address);
  }

  return {
    add(...more) {
      for (const port of more) ports.add(port);
    },
    refuse(address, port) {
      return ports.has(port) && isOwn(address) ? refuse("private_address", "the target is the gateway itself") : null;
    },
  };
}

/** Where the database listens; none when the address does not say. */
export function databasePorts(databaseUrl: string): number[] {
  try {
    return [Number(new URL(databaseUrl).port || 5432)];
  } catch {
    return [];
  }
}
