/** Every length field of SOCKS5 and of the PROXY protocol at its ends, whole, cut off after every byte, and byte by byte. */
import { describe, expect, test } from "vitest";
import { readProxyHeader, readSocksGreeting, readSocksLogin, readSocksRequest } from "./index.ts";
import { type Answer, feedByBytes } from "./test-splits.ts";

type Read = (input: Buffer) => Answer<unknown>;

interface Row {
  readonly what: string;
  readonly read: Read;
  readonly bytes: Buffer;
  /** A part of the message, or the fault. */
  readonly wanted: { readonly message: object } | { readonly fault: string };
}

const bytes = (...parts: (number | string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))));
const u16 = (value: number): Buffer => Buffer.from([value >>> 8, value & 255]);

const greeting = (count: number): Row => ({
  what: `a greeting with ${count} methods`,
  read: readSocksGreeting,
  bytes: bytes(5, count, Buffer.alloc(count, 2)),
  wanted: count === 0 ? { fault: "no-methods" } : { message: { methods: Array.from({ length: count }, () => 2) } },
});

const login = (user: number, password: number): Row => ({
  what: `a login of ${user} and ${password} bytes`,
  read: readSocksLogin,
  bytes: bytes(1, user, "u".repeat(user), password, "p".repeat(password)),
  wanted:
    user === 0
      ? { fault: "empty-username" }
      : password === 0
        ? { fault: "empty-password" }
        : { message: { username: "u".repeat(user), password: "p".repeat(password) } },
});

const name = (length: number, port: number): Row => ({
  what: `a name of ${length} bytes and port ${port}`,
  read: readSocksRequest,
  bytes: bytes(5, 1, 0, 3, length, "n".repeat(length), u16(port)),
  wanted: length === 0 ? { fault: "empty-name" } : { message: { host: "n".repeat(length), port, addressType: "name" } },
});

const binary = (family: number, length: number, wanted: Row["wanted"]): Row => ({
  what: `a version 2 header of family ${family.toString(16)} that says ${length} bytes`,
  read: readProxyHeader,
  bytes: bytes("\r\n\r\n\0\r\nQUIT\n", 0x21, family, u16(length), Buffer.alloc(length, 1)),
  wanted,
});
const v4 = { message: { version: 2, source: { address: "1.1.1.1", port: 257 } } };
const v6 = { message: { version: 2, source: { address: "101:101:101:101:101:101:101:101", port: 257 } } };
const unknown = { message: { version: 2, source: null } };
const isShort = { fault: "proxy-header" };
const isLong = { fault: "proxy-header-too-long" };

/** A line of exactly so many bytes, the last two included. */
const line = (length: number, wanted: Row["wanted"]): Row => ({
  what: `a version 1 line of ${length} bytes`,
  read: readProxyHeader,
  bytes: bytes(`PROXY UNKNOWN ${"x".repeat(length - 16)}\r\n`),
  wanted,
});
const ports = (source: string, destination: string, wanted: Row["wanted"]): Row => ({
  what: `a version 1 line with ports ${source} and ${destination}`,
  read: readProxyHeader,
  bytes: bytes(`PROXY TCP4 192.0.2.1 192.0.2.2 ${source} ${destination}\r\n`),
  wanted,
});
const from = (port: number): Row["wanted"] => ({ message: { version: 1, source: { address: "192.0.2.1", port } } });

const rows: readonly Row[] = [
  ...[0, 1, 254, 255].map(greeting),
  ...[0, 1, 254, 255].flatMap((user) => [0, 1, 254, 255].map((password) => login(user, password))),
  ...[0, 1, 254, 255].flatMap((length) => [0, 1, 65_534, 65_535].map((port) => name(length, port))),
  ...[0, 1, 11].map((length) => binary(0x11, length, isShort)),
  ...[12, 13, 4_095, 4_096].map((length) => binary(0x11, length, v4)),
  ...[4_097, 65_534, 65_535].map((length) => binary(0x11, length, isLong)),
  ...[0, 1, 35].map((length) => binary(0x21, length, isShort)),
  ...[36, 37, 4_095, 4_096].map((length) => binary(0x21, length, v6)),
  ...[4_097, 65_535].map((length) => binary(0x21, length, isLong)),
  ...[0, 1, 11, 4_096].map((length) => binary(0x00, length, unknown)),
  binary(0x00, 4_097, isLong),
  ...[16, 17, 106, 107].map((length) => line(length, { message: { version: 1, source: null } })),
  ...[108, 1_000].map((length) => line(length, isLong)),
  ...[0, 1, 65_534, 65_535].map((port) => ports(String(port), String(port), from(port))),
  ports("65536", "1", isShort),
  ports("1", "65536", isShort),
  ports("99999", "1", isShort),
  ports("100000", "1", isShort),
  ports("", "1", isShort),
  ports("1", "", isShort),
];

/** What is behind a message is another's. */
const behind = Buffer.from("behind");

describe("a length", () => {
  test.each(rows)("of $what is read as it is, with whatever stands behind it left alone", ({ read, bytes: whole, wanted }) => {
    const answer = read(Buffer.concat([whole, behind]));
    if ("fault" in wanted) expect(answer).toEqual({ kind: "malformed", reason: wanted.fault });
    else expect(answer).toMatchObject({ kind: "message", message: wanted.message, consumed: whole.length });
  });

  test.each(rows)(
    "of $what is read the same byte by byte, and cut off after every byte it is waited for",
    ({ read, bytes: whole, wanted }) => {
      const early = Array.from({ length: whole.length }, (_, length) => read(whole.subarray(0, length)));
      if ("message" in wanted) {
        expect(new Set(early.map(({ kind }) => kind))).toEqual(new Set(["more"]));
        expect(feedByBytes(read, whole)).toMatchObject({ kind: "message", message: wanted.message, consumed: whole.length });
        return;
      }
      // A fault may be known before the last byte; until then nothing is said, and then always the same.
      const known = early.findIndex(({ kind }) => kind !== "more");
      const faults = known < 0 ? [] : early.slice(known);
      expect(early.slice(0, known < 0 ? undefined : known).every(({ kind }) => kind === "more")).toBe(true);
      for (const answer of [...faults, feedByBytes(read, whole)]) expect(answer).toEqual({ kind: "malformed", reason: wanted.fault });
    },
  );
});
