/** Payloads of the binary frames. Writers take what is already checked; readers take anything and never throw. */
import { addressFromBytes, addressToBytes } from "@karvon/domain";

export interface OpenFrame {
  /** Credit that the sender of OPEN grants for the way back, in bytes. */
  readonly window: number;
  /** A name or an address in ASCII, IPv6 without brackets; 1 to 255 bytes. */
  readonly host: string;
  readonly port: number;
}

/** `flags u8 (0) | window u32 | length u8 | host | port u16`. RangeError when the host has no 1 to 255 ASCII bytes. */
export function encodeOpen(open: OpenFrame): Buffer {
  const length = open.host.length;
  if (length < 1 || length > 255 || !isPrintableAscii(open.host))
    throw new RangeError("an OPEN frame needs a host of 1 to 255 ASCII characters");
  const bytes = Buffer.allocUnsafe(8 + length);
  bytes[0] = 0;
  bytes.writeUInt32BE(open.window, 1);
  bytes[5] = length;
  bytes.write(open.host, 6, length, "latin1");
  bytes.writeUInt16BE(open.port, 6 + length);
  return bytes;
}

/** Null when lengths do not fit, the host is not printable ASCII, or the port is 0. Flags are reserved and ignored. */
export function decodeOpen(bytes: Buffer, start: number, end: number): OpenFrame | null {
  if (end - start < 9) return null;
  const length = bytes.readUInt8(start + 5);
  if (end - start !== 8 + length) return null;
  const host = bytes.toString("latin1", start + 6, start + 6 + length);
  const port = bytes.readUInt16BE(end - 2);
  if (port === 0 || !isPrintableAscii(host)) return null;
  return { window: bytes.readUInt32BE(start + 1), host, port };
}

export interface OpenedFrame {
  readonly window: number;
  /** How long the node's connect took; 65,535 stands for that and more. */
  readonly connectMs: number;
  readonly family: 4 | 6;
  /** Canonical text of the address that the node is connected to. */
  readonly address: string;
}

/** `window u32 | connect ms u16 | family u8 (4 or 6) | address 4 or 16 bytes`. RangeError when it is no address. */
export function encodeOpened(opened: { readonly window: number; readonly connectMs: number; readonly address: string }): Buffer {
  const address = addressToBytes(opened.address);
  if (address === null) throw new RangeError("an OPENED frame needs a plain IP address");
  const bytes = Buffer.allocUnsafe(7 + address.length);
  bytes.writeUInt32BE(opened.window, 0);
  bytes.writeUInt16BE(Math.max(0, Math.min(65_535, Math.round(opened.connectMs))), 4);
  bytes[6] = address.length === 4 ? 4 : 6;
  bytes.set(address, 7);
  return bytes;
}

export function decodeOpened(bytes: Buffer, start: number, end: number): OpenedFrame | null {
  const length = end - start;
  if (length !== 11 && length !== 23) return null;
  const family = bytes.readUInt8(start + 6);
  if (family !== (length === 11 ? 4 : 6)) return null;
  const address = addressFromBytes(bytes.subarray(start + 7, end));
  if (address === null) return null;
  return { window: bytes.readUInt32BE(start), connectMs: bytes.readUInt16BE(start + 4), family: family === 4 ? 4 : 6, address };
}

export interface GoAwayFrame {
  /** The highest stream id that the sender has accepted or opened. */
  readonly lastStreamId: number;
  readonly reason: number;
}

/** `last stream u32 | reason u8`. */
export function encodeGoAway(goAway: GoAwayFrame): Buffer {
  const bytes = Buffer.allocUnsafe(5);
  bytes.writeUInt32BE(goAway.lastStreamId, 0);
  bytes[4] = goAway.reason;
  return bytes;
}

export function decodeGoAway(bytes: Buffer, start: number, end: number): GoAwayFrame | null {
  if (end - start !== 5) return null;
  return { lastStreamId: bytes.readUInt32BE(start), reason: bytes.readUInt8(start + 4) };
}

function isPrintableAscii(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
