/** CIDR prefixes, for allow entries, trusted proxies and the on-link networks of a node. */
import { addressFromBytes, addressToBytes } from "./address.ts";

export interface Prefix {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** "10.0.0.0/8", "::1/128" or a bare address; null when it is neither, or when bits are set behind the prefix. */
export function parsePrefix(cidr: string): Prefix | null {
  const slash = cidr.indexOf("/");
  const bytes = addressToBytes(slash < 0 ? cidr : cidr.slice(0, slash));
  if (bytes === null) return null;
  const width = bytes.length * 8;
  if (slash < 0) return { bytes, bits: width };
  const text = cidr.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text) || Number(text) > width) return null;
  const bits = Number(text);
  const isClean = bytes.every((byte, index) => (byte & ~maskOf(bits, index) & 0xff) === 0);
  return isClean ? { bytes, bits } : null;
}

/** The canonical text: "10.0.0.0/8", and a bare address for a prefix that holds one only. */
export function formatPrefix({ bytes, bits }: Prefix): string {
  const address = addressFromBytes(bytes) ?? "";
  return isOneAddress({ bytes, bits }) ? address : `${address}/${bits}`;
}

export function isOneAddress({ bytes, bits }: Prefix): boolean {
  return bits === bytes.length * 8;
}

/** The first and the last address. */
export function endsOf({ bytes, bits }: Prefix): readonly [first: string, last: string] {
  const last = bytes.map((byte, index) => byte | (~maskOf(bits, index) & 0xff));
  return [addressFromBytes(bytes) ?? "", addressFromBytes(last) ?? ""];
}

/** Whether `address` lies in one of the prefixes. An IPv4-mapped IPv6 address counts as its IPv4 address. */
export function isInPrefixes(address: string, prefixes: readonly Prefix[]): boolean {
  if (prefixes.length === 0) return false;
  const bytes = addressToBytes(address);
  if (bytes === null) return false;
  const plain = unmapped(bytes);
  return prefixes.some((prefix) => covers(prefix, plain));
}

function covers(prefix: Prefix, bytes: readonly number[]): boolean {
  if (prefix.bytes.length !== bytes.length) return false;
  return bytes.every((byte, index) => {
    const mask = maskOf(prefix.bits, index);
    return (byte & mask) === ((prefix.bytes[index] ?? 0) & mask);
  });
}

function maskOf(bits: number, index: number): number {
  const left = bits - index * 8;
  if (left >= 8) return 0xff;
  return left <= 0 ? 0 : (0xff << (8 - left)) & 0xff;
}

function unmapped(bytes: readonly number[]): readonly number[] {
  const isMapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}
