/** Text and bytes of IP addresses. Only the canonical spellings are read: four decimal octets, or IPv6 without a zone. */
import ipaddr from "ipaddr.js";

const dottedQuad = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;

/** 4 or 16 bytes; null for everything else, octal, hex, short and decimal forms and zone ids among it. */
export function addressToBytes(address: string): readonly number[] | null {
  if (address.includes(":")) {
    if (address.includes("%") || address.length > 45 || !ipaddr.IPv6.isValid(address)) return null;
    return ipaddr.IPv6.parse(address).toByteArray();
  }
  if (!dottedQuad.test(address)) return null;
  const octets = address.split(".").map(Number);
  return octets.every((octet) => octet <= 255) ? octets : null;
}

/** The canonical text (RFC 5952 for IPv6); null when there are not 4 or 16 bytes. */
export function addressFromBytes(bytes: Iterable<number>): string | null {
  const octets = [...bytes];
  if (octets.length === 4) return octets.join(".");
  return octets.length === 16 ? new ipaddr.IPv6(octets).toString() : null;
}
