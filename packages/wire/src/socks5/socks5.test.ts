import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readProxyHeader,
  readSocksGreeting,
  readSocksLogin,
  readSocksRequest,
  sniffProtocol,
  writeProxyHeaderV1,
  writeSocksLoginReply,
  writeSocksMethod,
  writeSocksReply,
} from "../index.ts";
import { type Answer, feedByBytes, feedInParts, sameAnswer } from "../test-splits.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("SOCKS5", () => {
  test("reads a greeting, a login and requests for each kind of address, one byte at a time", () => {
    expect(feedByBytes(readSocksGreeting, hex("05 02 00 02 ff"))).toEqual({ kind: "message", message: { methods: [0, 2] }, consumed: 4 });
    expect(feedByBytes(readSocksLogin, Buffer.from("\x01\x04demo\x03pxk"))).toEqual({
      kind: "message",
      message: { username: "demo", password: "pxk" },
      consumed: 10,
    });
    expect(feedByBytes(readSocksRequest, hex("05 01 00 01 7f000001 0050"))).toEqual({
      kind: "message",
      message: { command: "connect", host: "127.0.0.1", port: 80, addressType: "ipv4" },
      consumed: 10,
    });
    expect(feedByBytes(readSocksRequest, hex("05 03 00 03 01 61 01bb"))).toMatchObject({
      message: { command: "udp-associate", host: "a", port: 443, addressType: "name" },
      consumed: 8,
    });
    expect(feedByBytes(readSocksRequest, hex("05 02 00 04 20010db8000000000000000000000001 0001"))).toMatchObject({
      message: { command: "bind", host: "2001:db8::1", port: 1, addressType: "ipv6" },
    });
    expect(feedByBytes(readSocksRequest, hex("05 09 00 01 01020304 0001"))).toMatchObject({ message: { command: "unknown" } });
  });

  test.each([
    ["04 01", readSocksGreeting, "version"],
    ["05 00", readSocksGreeting, "no-methods"],
    ["05 01", readSocksLogin, "login-version"],
    ["01 00", readSocksLogin, "empty-username"],
    ["01 01 61 00", readSocksLogin, "empty-password"],
    ["04", readSocksRequest, "version"],
    ["05 01 01", readSocksRequest, "reserved"],
    ["05 01 00 02", readSocksRequest, "address-type"],
    ["05 01 00 03 00", readSocksRequest, "empty-name"],
  ])(
    "refuses %s",
    (
      text,
      read: (
        input: Buffer,
      ) => ReturnType<typeof readSocksRequest> | ReturnType<typeof readSocksGreeting> | ReturnType<typeof readSocksLogin>,
      reason,
    ) => {
      expect(read(hex(text))).toEqual({ kind: "malformed", reason });
    },
  );

  test("writes answers as RFC 1928 and RFC 1929 lay them out", () => {
    expect(writeSocksMethod(0xff)).toEqual(hex("05 ff"));
    expect([writeSocksLoginReply(true), writeSocksLoginReply(false)]).toEqual([hex("01 00"), hex("01 01")]);
    expect(writeSocksReply(5)).toEqual(hex("05 05 00 01 00000000 0000"));
    expect(writeSocksReply(0, { address: "203.0.113.7", port: 443 })).toEqual(hex("05 00 00 01 cb007107 01bb"));
    expect(writeSocksReply(0, { address: "2001:db8::1", port: 1 })).toEqual(hex("05 00 00 04 20010db8000000000000000000000001 0001"));
  });

  test("tells protocols by their first byte", () => {
    expect([4, 5, 0x16, 0x47].map(sniffProtocol)).toEqual(["socks4", "socks5", "tls", "http"]);
  });
});

describe("the PROXY protocol", () => {
  const signature = "0d0a0d0a000d0a515549540a";
  test("reads what it writes", () => {
    const ends = { sourceAddress: "203.0.113.7", sourcePort: 5_000, destinationAddress: "127.0.0.1", destinationPort: 7_443 };
    const line = writeProxyHeaderV1(ends);
    expect(line.toString()).toBe("PROXY TCP4 203.0.113.7 127.0.0.1 5000 7443\r\n");
    expect(feedByBytes(readProxyHeader, Buffer.concat([line, Buffer.from("\x16\x03")]))).toEqual({
      kind: "message",
      message: { version: 1, source: { address: "203.0.113.7", port: 5_000 } },
      consumed: line.length,
    });
    expect(() => writeProxyHeaderV1({ ...ends, destinationAddress: "::1" })).toThrow(RangeError);
  });

  test("reads version 2 with TCP over both families, LOCAL and what it does not know", () => {
    const v4 = hex(`${signature} 21 11 000c cb007107 7f000001 1388 1d13`);
    expect(feedByBytes(readProxyHeader, v4)).toEqual({
      kind: "message",
      message: { version: 2, source: { address: "203.0.113.7", port: 5_000 } },
      consumed: 28,
    });
    const v6 = hex(`${signature} 21 21 0027 20010db8000000000000000000000001 00000000000000000000000000000001 1388 1d13 04 0000`);
    expect(feedByBytes(readProxyHeader, v6)).toMatchObject({
      message: { source: { address: "2001:db8::1", port: 5_000 } },
      consumed: 16 + 39,
    });
    expect(feedByBytes(readProxyHeader, hex(`${signature} 20 00 0000`))).toEqual({
      kind: "message",
      message: { version: 2, source: null },
      consumed: 16,
    });
    expect(feedByBytes(readProxyHeader, hex(`${signature} 21 12 000c cb007107 7f000001 1388 1d13`))).toMatchObject({
      message: { source: null },
    });
    expect(readProxyHeader(Buffer.from("PROXY UNKNOWN whatever it says\r\n"))).toMatchObject({ message: { version: 1, source: null } });
  });

  test.each([
    "PROXY TCP4 203.0.113.7 127.0.0.1 5000\r\n",
    "PROXY TCP4 203.0.113.7 127.0.0.1 5000 7443 \r\n",
    "PROXY TCP4 2001:db8::1 127.0.0.1 5000 7443\r\n",
    "PROXY TCP6 203.0.113.7 ::1 1 1\r\n",
    "PROXY TCP4 0203.0.113.7 127.0.0.1 1 1\r\n",
    "PROXY TCP4 203.0.113.7 127.0.0.1 65536 1\r\n",
    "PROXY TCP4 203.0.113.7 127.0.0.1 01 1\r\n",
    "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n",
    `PROXY ${"x".repeat(110)}`,
    `${Buffer.from(signature, "hex").toString("latin1")}\x31\x11\x00\x0c`,
    `${Buffer.from(signature, "hex").toString("latin1")}\x21\x11\x00\x0b`,
    `${Buffer.from(signature, "hex").toString("latin1")}\x21\x11\xff\xff`,
  ])("refuses %j", (text) => {
    expect(readProxyHeader(Buffer.from(text, "latin1")).kind).toBe("malformed");
  });

  test.each(["GET / HTTP/1.1\r\n", "POST", "PU", "\x16\x03", "\r\nGET", "\x05\x01", "CONNECT"])("leaves %j alone", (text) => {
    expect(feedByBytes(readProxyHeader, Buffer.from(text, "latin1"))).toEqual({ kind: "absent" });
  });
});

test("SOCKS5 and PROXY readers answer the same for every split and never throw", () => {
  const starts = [
    "05 01 02",
    "01 04 64656d6f 03 61626364",
    "05 01 00 03 05 612e636f6d 01bb",
    "05 01 00 01 01020304 0050",
    "0d0a0d0a000d0a515549540a2111000ccb0071077f00000113881d13",
    "50524f585920 544350",
  ];
  const mutated = fc
    .tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 40 }), fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 3 }))
    .map(([start, tail, changes]) => {
      const buffer = Buffer.concat([hex(start), tail]);
      for (const [at, value] of changes) buffer[at % buffer.length] = value;
      return buffer;
    });
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
      ),
      fc.array(fc.nat(80), { maxLength: 5 }),
      (buffer, cuts) => {
        const readers: readonly ((input: Buffer) => Answer<unknown>)[] = [
          readSocksGreeting,
          readSocksLogin,
          readSocksRequest,
          readProxyHeader,
        ];
        return readers.every((read) => sameAnswer(feedInParts(read, buffer, cuts), read(buffer)));
      },
    ),
    { numRuns: 3_000 },
  );
});
