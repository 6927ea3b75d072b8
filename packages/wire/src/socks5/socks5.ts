/**
 * SOCKS5 as the proxy port speaks it (RFC 1928, RFC 1929): readers for what clients send, writers for the answers.
 *
 * Readers take everything from the start of their message; nothing is longer than 513 bytes. They do not decide
 * which method or command is served.
 */
import { addressFromBytes, addressToBytes } from "@karvon/domain";
import { type Feed, malformed, needMore } from "../feed.ts";

export const socksMethods = { none: 0x00, password: 0x02, noneAcceptable: 0xff } as const;

/** `version 5 | count | methods` (RFC 1928, section 3). */
export function readSocksGreeting(input: Buffer): Feed<{ readonly methods: readonly number[] }> {
  if (input.length > 0 && input[0] !== 0x05) return malformed("version");
  if (input.length < 2) return needMore;
  const count = input[1] ?? 0;
  if (count === 0) return malformed("no-methods");
  const end = 2 + count;
  if (input.length < end) return needMore;
  return { kind: "message", message: { methods: [...input.subarray(2, end)] }, consumed: end };
}

export function writeSocksMethod(method: number): Buffer {
  return Buffer.from([0x05, method]);
}

/** `version 1 | length | user | length | password`, both 1 to 255 bytes (RFC 1929, section 2). */
export function readSocksLogin(input: Buffer): Feed<{ readonly username: string; readonly password: string }> {
  if (input.length > 0 && input[0] !== 0x01) return malformed("login-version");
  if (input.length < 2) return needMore;
  const userLength = input[1] ?? 0;
  if (userLength === 0) return malformed("empty-username");
  const passwordAt = 2 + userLength;
  if (input.length <= passwordAt) return needMore;
  const passwordLength = input[passwordAt] ?? 0;
  if (passwordLength === 0) return malformed("empty-password");
  const end = passwordAt + 1 + passwordLength;
  if (input.length < end) return needMore;
  const username = input.toString("utf8", 2, passwordAt);
  const password = input.toString("utf8", passwordAt + 1, end);
  return { kind: "message", message: { username, password }, consumed: end };
}

export function writeSocksLoginReply(isAccepted: boolean): Buffer {
  return Buffer.from([0x01, isAccepted ? 0x00 : 0x01]);
}

export type SocksCommand = "connect" | "bind" | "udp-associate" | "unknown";
const commands: readonly (SocksCommand | undefined)[] = [undefined, "connect", "bind", "udp-associate"];

export interface SocksRequest {
  readonly command: SocksCommand;
  /** A name as it was sent (latin1), or the canonical text of an address. */
  readonly host: string;
  readonly port: number;
  readonly addressType: "ipv4" | "ipv6" | "name";
}

/** `version 5 | command | 0 | address type | address | port` (RFC 1928, section 4). An unknown type is "address-type". */
export function readSocksRequest(input: Buffer): Feed<SocksRequest> {
  const [version = 0x05, command = 0, reserved = 0x00, type] = input.subarray(0, 4);
  if (version !== 0x05) return malformed("version");
  if (reserved !== 0x00) return malformed("reserved");
  if (type === undefined) return needMore;
  const addressType = addressTypes.get(type);
  if (addressType === undefined) return malformed("address-type");
  const address = readAddress(input, addressType);
  if (!("host" in address)) return address;
  const { consumed, ...destination } = address;
  return { kind: "message", message: { command: commands[command] ?? "unknown", ...destination }, consumed };
}
const addressLengths: Readonly<Record<SocksRequest["addressType"], number | null>> = { ipv4: 4, ipv6: 16, name: null };
const addressTypes: ReadonlyMap<number, SocksRequest["addressType"]> = new Map([
  [0x01, "ipv4"],
  [0x03, "name"],
  [0x04, "ipv6"],
]);

type Address = Pick<SocksRequest, "host" | "port" | "addressType"> & { readonly consumed: number };

function readAddress(input: Buffer, addressType: SocksRequest["addressType"]): Address | Feed<never> {
  const length = addressLengths[addressType] ?? input[4];
  if (length === undefined) return needMore;
  if (length === 0) return malformed("empty-name");
  const addressAt = addressType === "name" ? 5 : 4;
  const consumed = addressAt + length + 2;
  if (input.length < consumed) return needMore;
  const bytes = input.subarray(addressAt, consumed - 2);
  const host = addressType === "name" ? bytes.toString("latin1") : (addressFromBytes(bytes) ?? "");
  return { host, port: input.readUInt16BE(consumed - 2), addressType, consumed };
}

/** `version 5 | code | 0 | bound address | port`. Without a plain bound address it says 0.0.0.0:0. */
export function writeSocksReply(code: number, bound?: { readonly address: string; readonly port: number }): Buffer {
  const address = addressToBytes(bound?.address ?? "") ?? [0, 0, 0, 0];
  const port = bound?.port ?? 0;
  return Buffer.from([0x05, code, 0x00, address.length === 4 ? 0x01 : 0x04, ...address, port >>> 8, port & 0xff]);
}
