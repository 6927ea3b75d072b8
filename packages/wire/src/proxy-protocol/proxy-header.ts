/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): who is really at the other end of a
 * connection that a trusted relay accepted. Whether the relay is trusted is decided elsewhere, before this is asked.
 *
 * Limits: 107 bytes for version 1, 4,112 for version 2. Type-length-value fields of version 2 are skipped.
 */
import { addressFromBytes, addressToBytes } from "@karvon/domain";
import { type Feed, malformed, needMore } from "../feed.ts";

export interface ProxyHeader {
  readonly version: 1 | 2;
  /** Null for LOCAL, UNKNOWN and families other than TCP over IP: the connection's own address counts. */
  readonly source: { readonly address: string; readonly port: number } | null;
}

const textStart = Buffer.from("PROXY ", "latin1");
const binaryStart = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const textBytesMax = 107;
const binaryHeaderBytes = 16;
const binaryBodyBytesMax = 4_096;
/** Nothing longer is waited for. */
export const proxyHeaderBytesMax = binaryHeaderBytes + binaryBodyBytesMax;

/** "absent" as soon as the bytes cannot be the start of a header; nothing is consumed then. */
export function readProxyHeader(input: Buffer): Feed<ProxyHeader> | { readonly kind: "absent" } {
  if (beginsWith(input, textStart)) return input.length < textStart.length ? needMore : readText(input);
  if (beginsWith(input, binaryStart)) return input.length < binaryHeaderBytes ? needMore : readBinary(input);
  return { kind: "absent" };
}

function beginsWith(input: Buffer, start: Buffer): boolean {
  const length = Math.min(input.length, start.length);
  return input.compare(start, 0, length, 0, length) === 0;
}

function readText(input: Buffer): Feed<ProxyHeader> {
  const end = input.subarray(0, textBytesMax).indexOf("\r\n");
  if (end < 0) return input.length >= textBytesMax ? malformed("proxy-header-too-long") : needMore;
  const consumed = end + 2;
  const source = readTextSource(input.toString("latin1", 0, end));
  return source === undefined ? malformed("proxy-header") : { kind: "message", message: { version: 1, source }, consumed };
}

const textPattern = /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;

/** Null for UNKNOWN, undefined when the line is wrong. */
function readTextSource(line: string): ProxyHeader["source"] | undefined {
  if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN ")) return null;
  const match = textPattern.exec(line);
  if (match === null) return undefined;
  const [, family, sourceText = "", destinationText = "", ...ports] = match;
  const width = family === "4" ? 4 : 16;
  const source = canonicalText(sourceText, width);
  const destination = canonicalText(destinationText, width);
  if (source === null || destination === null || ports.some((port) => Number(port) > 65_535)) return undefined;
  return { address: source, port: Number(ports[0]) };
}

function canonicalText(address: string, width: 4 | 16): string | null {
  const bytes = addressToBytes(address);
  return bytes?.length === width ? addressFromBytes(bytes) : null;
}

function readBinary(input: Buffer): Feed<ProxyHeader> {
  const versionAndCommand = input.readUInt8(12);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >>> 4 !== 2 || command > 1) return malformed("proxy-header");
  const length = input.readUInt16BE(14);
  if (length > binaryBodyBytesMax) return malformed("proxy-header-too-long");
  const family = input.readUInt8(13);
  const addressBytes = command === 1 ? binaryAddressBytes(family) : 0;
  const isShort = addressBytes > 0 && length < addressBytes * 2 + 4;
  if (isShort) return malformed("proxy-header");
  const consumed = binaryHeaderBytes + length;
  if (input.length < consumed) return needMore;
  if (addressBytes === 0) return { kind: "message", message: { version: 2, source: null }, consumed };
  const address = addressFromBytes(input.subarray(binaryHeaderBytes, binaryHeaderBytes + addressBytes)) ?? "";
  const port = input.readUInt16BE(binaryHeaderBytes + addressBytes * 2);
  return { kind: "message", message: { version: 2, source: { address, port } }, consumed };
}

/** Only TCP over IPv4 and IPv6 name an address that we use. */
function binaryAddressBytes(family: number): number {
  if (family === 0x11) return 4;
  return family === 0x21 ? 16 : 0;
}

/** A version 1 line. RangeError when the addresses are not two of one family. */
export function writeProxyHeaderV1(ends: {
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}): Buffer {
  const source = addressToBytes(ends.sourceAddress);
  const destination = addressToBytes(ends.destinationAddress);
  if (source === null || destination === null || source.length !== destination.length) {
    throw new RangeError("a PROXY header needs two addresses of one family");
  }
  const family = source.length === 4 ? "TCP4" : "TCP6";
  return Buffer.from(
    `PROXY ${family} ${ends.sourceAddress} ${ends.destinationAddress} ${ends.sourcePort} ${ends.destinationPort}\r\n`,
    "latin1",
  );
}
