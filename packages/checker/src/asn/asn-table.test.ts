import { describe, expect, test } from "vitest";
import { readAddress } from "../address.ts";
import { readName } from "./asn-table.ts";
import { readIpv6Words, toWords } from "./read-words.ts";

describe("ASN rows", () => {
  test("names lose their CSV quotes and keep their own", () => {
    expect(readName('"Cloudflare, Inc."')).toBe("Cloudflare, Inc.");
    expect(readName('"""Uzbektelekom"" Joint Stock Company"')).toBe('"Uzbektelekom" Joint Stock Company');
    expect(readName("DNS-OARC")).toBe("DNS-OARC");
  });

  test("IPv6 text reads to the same words as the address reader gives", () => {
    for (const text of [
      "2001::",
      "2001:4:112::",
      "2001:200:1b9:ffff:ffff:ffff:ffff:ffff",
      "::1",
      "::",
      "1:2:3:4:5:6:7:8",
      "fe80::1:0:0:2",
    ]) {
      const words = new Uint32Array(4);
      expect(readIpv6Words(Buffer.from(`${text},x`), 0, text.length, words), text).toBe(true);
      const address = readAddress(text);
      expect(address && [...toWords(address)], text).toEqual([...words]);
    }
  });

  test("text that is no IPv6 address is refused", () => {
    for (const text of ["", "1:2:3", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8:9", "1.2.3.4"]) {
      expect(readIpv6Words(Buffer.from(text), 0, text.length, new Uint32Array(4)), text).toBe(false);
    }
  });
});
