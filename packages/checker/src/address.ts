/** Addresses as bytes in network order: 4 for IPv4 (also when written inside IPv6 as ::ffff:a.b.c.d), 16 for IPv6. */
import { isIP } from "node:net";

/** Null when `text` is not an address. A zone id is refused: it names an interface, not a place. */
export function readAddress(text: string): Uint8Array | null {
  const family = text.includes("%") ? 0 : isIP(text);
  if (family === 4) return readIpv4(text);
  if (family !== 6) return null;
  const bytes = readIpv6(text);
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}

function readIpv4(text: string): Uint8Array {
  return Uint8Array.from(text.split("."), Number);
}

/** `text` has passed isIP, so it has at most one "::" and right-sized groups. */
function readIpv6(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [left = "", right] = text.split("::");
  const head = readGroups(left);
  bytes.set(head, 0);
  if (right !== undefined) {
    const tail = readGroups(right);
    bytes.set(tail, 16 - tail.length);
  }
  return bytes;
}

function readGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return [...readIpv4(group)];
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
