/** Text and bytes of IP addresses. Only the canonical spellings are read: four decimal octets, or IPv6 without a zone. */
import ipaddr from "ipaddr.js";

const dot = 46;
const zero = 48;
const nine = 57;

/** Read character by character: every session asks several times. */
function ipv4ToBytes(address: string): readonly number[] | null {
  if (address.length > 15) return null;
  const bytes: number[] = [];
  let value = -1;
  for (let at = 0; at < address.length; at += 1) {
    const code = address.charCodeAt(at);
    if (code === dot) {
      if (value < 0) return null;
      bytes.push(value);
      value = -1;
    } else {
      value = withDigit(value, code);
      if (value < 0) return null;
    }
  }
  if (value < 0 || bytes.length !== 3) return null;
  bytes.push(value);
  return bytes;
}

/** -1 when the digit is none, follows a leading zero, or makes more than 255. */
function withDigit(value: number, code: number): number {
  if (code < zero || code > nine || value === 0) return -1;
  const longer = Math.max(value, 0) * 10 + code - zero;
  return longer > 255 ? -1 : longer;
}

/** A dotted end is read by the rules of IPv4: `::0177.0.0.1` is one thing here and another there. */
function hasPlainEnd(address: string): boolean {
  return !address.includes(".") || ipv4ToBytes(address.slice(address.lastIndexOf(":") + 1)) !== null;
}

/** 4 or 16 bytes; null for everything else, octal, hex, short and decimal forms and zone ids among it. */
export function addressToBytes(address: string): readonly number[] | null {
  if (address.includes(":")) {
    if (address.includes("%") || address.length > 45 || !hasPlainEnd(address) || !ipaddr.IPv6.isValid(address)) return null;
    return ipaddr.IPv6.parse(address).toByteArray();
  }
  return ipv4ToBytes(address);
}

/** The canonical text (RFC 5952 for IPv6); null when there are not 4 or 16 bytes. */
export function addressFromBytes(bytes: ArrayLike<number>): string | null {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  return bytes.length === 16 ? new ipaddr.IPv6(Array.from(bytes)).toString() : null;
}
