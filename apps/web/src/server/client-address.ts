/**
 * Where a request really came from.
 *
 * X-Forwarded-For counts only when the panels are published over HTTPS (so something in front ends it) and the peer is
 * trusted; then its last entry, which that peer wrote itself. Otherwise it is the socket's address.
 */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Set by this server on every request it passes to Next; what came from outside under this name is removed. */
export const clientAddressHeader = "x-karvon-client-address";

export type AddressReader = (request: IncomingMessage) => string | null;

export interface AddressReaderOptions {
  readonly panelUrl: string;
  /** CIDR blocks of the reverse proxies. Loopback always counts as one. */
  readonly trustedProxies: readonly string[];
}

export function createAddressReader(options: AddressReaderOptions): AddressReader {
  const isBehindProxy = options.panelUrl.startsWith("https:");
  const trusted = new BlockList();
  for (const block of ["127.0.0.0/8", "::1/128", ...options.trustedProxies]) {
    const [address = "", bits = ""] = block.split("/");
    trusted.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return (request) => {
    const peer = plain(request.socket.remoteAddress);
    if (peer === null || !isBehindProxy || !trusted.check(peer, isIP(peer) === 6 ? "ipv6" : "ipv4")) return peer;
    const forwarded = request.headers["x-forwarded-for"];
    const last = (Array.isArray(forwarded) ? forwarded.join(",") : (forwarded ?? "")).split(",").at(-1)?.trim();
    return plain(last) ?? peer;
  };
}

/** An address without the IPv4-in-IPv6 prefix, or null when it is none. */
function plain(address: string | undefined): string | null {
  const text = address?.startsWith("::ffff:") === true ? address.slice(7) : address;
  return text !== undefined && isIP(text) !== 0 ? text : null;
}
