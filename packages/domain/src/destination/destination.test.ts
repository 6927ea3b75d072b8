import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROXY_ERRORS, type Refusal } from "../errors.ts";
import {
  addressFromBytes,
  addressToBytes,
  checkAddress,
  checkDestination,
  checkHost,
  checkPort,
  closedPorts,
  type EgressAllow,
  isInPrefixes,
  noEgressAllow,
  openPorts,
  parseEgressAllow,
  parsePrefix,
} from "./index.ts";

function allowOf(...entries: string[]): EgressAllow {
  const parsed = parseEgressAllow(entries);
  if (parsed.kind === "bad") throw new Error(`bad entry ${parsed.entry}`);
  return parsed.allow;
}
function refusalOf(refusal: Refusal | null): Refusal {
  if (refusal === null) throw new Error("nothing was refused");
  return refusal;
}
const verdict = (address: string): string => checkAddress(address, noEgressAllow).kind;

// Every block of the IANA special-purpose registries with its first and last address, and the neighbours outside.
const special4: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "255.255.255.255"],
];
const special6 = [
  "::/128",
  "::1/128",
  "::ffff:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/32",
  "2001:2::/48",
  "2001:10::/28",
  "2001:20::/28",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];
const number4 = (address: string): number => (addressToBytes(address) ?? []).reduce((sum, byte) => sum * 256 + byte, 0);
const text4 = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
const ranges4 = special4.map(([first, last]) => [number4(first), number4(last)] as const);
const isSpecial4 = (value: number): boolean => ranges4.some(([first, last]) => value >= first && value <= last);

describe("checkAddress", () => {
  test.each(special4)("refuses the IPv4 block from %s to %s at both ends", (first, last) => {
    expect(verdict(first)).toBe("refused");
    expect(verdict(last)).toBe("refused");
  });

  test("judges the neighbours of every IPv4 block by their own block", () => {
    for (const [first, last] of special4) {
      for (const value of [number4(first) - 1, number4(last) + 1]) {
        if (value >= 0 && value < 2 ** 32)
          expect([text4(value), verdict(text4(value))]).toEqual([text4(value), isSpecial4(value) ? "refused" : "allowed"]);
      }
    }
  });

  test("agrees with the registry at the edges of every /8", () => {
    for (let first = 0; first < 256; first += 1) {
      for (const value of [first * 2 ** 24, first * 2 ** 24 + 2 ** 24 - 1]) {
        expect([text4(value), verdict(text4(value))]).toEqual([text4(value), isSpecial4(value) ? "refused" : "allowed"]);
      }
    }
  });

  test("agrees with the registry on 100,000 random IPv4 addresses", () => {
    const hundred = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 100, maxLength: 100 });
    fc.assert(
      fc.property(hundred, (values) => values.every((value) => (verdict(text4(value)) === "refused") === isSpecial4(value))),
      { numRuns: 1_000 },
    );
  });

  test("passes IPv6 only inside 2000::/3 and outside the special blocks", () => {
    const blocks = special6.map((cidr) => parsePrefix(cidr)).filter((prefix) => prefix !== null);
    expect(blocks).toHaveLength(special6.length);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constantFrom(...blocks), fc.boolean(), (bytes, block, isInside) => {
        if (isInside) block.bytes.forEach((byte, index) => index * 8 < block.bits && (bytes[index] = byte));
        const text = addressFromBytes(bytes) ?? "";
        const isGlobal = ((bytes[0] ?? 0) & 0xe0) === 0x20 && !isInPrefixes(text, blocks);
        return !isGlobal ? verdict(text) === "refused" : true;
      }),
      { numRuns: 5_000 },
    );
  });

  // The 50 boundary literals of the security design, with 1 for "must be refused".
  const literals: Record<string, 0 | 1> = {
    "0.0.0.0": 1,
    "0.1.2.3": 1,
    "10.0.0.1": 1,
    "100.64.0.1": 1,
    "100.127.255.254": 1,
    "100.63.255.254": 0,
    "100.128.0.1": 0,
    "127.0.0.1": 1,
    "169.254.169.254": 1,
    "172.15.255.255": 0,
    "172.16.0.1": 1,
    "172.31.255.255": 1,
    "172.32.0.0": 0,
    "192.0.0.1": 1,
    "192.0.2.1": 1,
    "192.88.99.1": 1,
    "192.168.0.1": 1,
    "198.18.0.1": 1,
    "198.51.100.1": 1,
    "203.0.113.1": 1,
    "224.0.0.1": 1,
    "239.255.255.255": 1,
    "240.0.0.1": 1,
    "255.255.255.255": 1,
    "8.8.8.8": 0,
    "::": 1,
    "::1": 1,
    "::ffff:127.0.0.1": 1,
    "::ffff:8.8.8.8": 1,
    "::7f00:1": 1,
    "64:ff9b::a00:1": 1,
    "64:ff9b:1::1": 1,
    "100::1": 1,
    "2001::1": 1,
    "2001:2::1": 1,
    "2001:10::1": 1,
    "2001:20::1": 1,
    "2001:db8::1": 1,
    "3fff::1": 1,
    "2002:a00:1::1": 1,
    "5f00::1": 1,
    "fc00::1": 1,
    "fd00:ec2::254": 1,
    "fe80::1": 1,
    "fec0::1": 1,
    "ff02::1": 1,
    "2606:4700:4700::1111": 0,
    "2001:4860:4860::8888": 0,
    "64:ff9c::1": 1,
    "4000::1": 1,
  };
  test.each(Object.entries(literals))("judges %s as %s", (address, isRefused) => {
    expect(verdict(address)).toBe(isRefused === 1 ? "refused" : "allowed");
  });

  test.each([
    "::127.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:10.1.1.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:1::1",
    "2606:4700::0177.0.0.1",
    "2606:4700::8.8.8.08",
    "fe80::1%eth0",
    "::ffff:127.0.0.1%lo",
    "[::1]",
    "",
    "localhost",
  ])("refuses %s, which hides or is no public address", (address) => expect(verdict(address)).toBe("refused"));

  test("returns the canonical text of what it passed", () => {
    expect(checkAddress("2606:4700:4700:0:0:0:0:1111", noEgressAllow)).toEqual({
      kind: "allowed",
      address: "2606:4700:4700::1111",
      family: 6,
    });
  });

  test("passes an allowed endpoint with its own port only", () => {
    const allow = allowOf("127.0.0.1:8081", "[::1]:9000");
    expect(checkAddress("127.0.0.1", allow, 8081).kind).toBe("allowed");
    expect(checkAddress("::1", allow, 9000).kind).toBe("allowed");
    expect(checkAddress("127.0.0.1", allow, 8082).kind).toBe("refused");
    expect(checkAddress("127.0.0.1", allow).kind).toBe("refused");
  });

  test("passes every address of an allowed prefix and no neighbour", () => {
    const allow = allowOf("10.7.0.0/16");
    expect(checkAddress("10.7.255.255", allow).kind).toBe("allowed");
    expect(checkAddress("10.8.0.0", allow).kind).toBe("refused");
  });
});

describe("checkHost", () => {
  test.each([
    "0177.0.0.1",
    "0177.0.0.01",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "127.0.0.0x1",
    "0",
    "0x",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.04",
    "127.0.0.1.",
    "10.0.0.08",
    "00.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "foo.localhost",
    "printer.local",
    "nas.lan",
    "router.home.arpa",
    "db.internal",
    "x.onion",
    "metadata.google.internal",
    "metadata.goog",
    "intranet",
    "1.0.0.127.in-addr.arpa",
  ])("refuses %s as private", (host) => {
    expect(checkHost(host)).toMatchObject({ kind: "refused", code: "private_address" });
  });

  test.each([
    "a b.com",
    "127.0.0.1..",
    "-a.com",
    "a-.com",
    "a..com",
    ".a.com",
    "a.com/",
    "u@a.com",
    "é.com",
    "１２７.0.0.1x",
    "a\0.com",
    "fe80::1%eth0",
    "fe80::1%25eth0",
    "1::2::3",
    `${"a".repeat(64)}.com`,
    `${"a.".repeat(127)}com`,
  ])("refuses %j as malformed", (host) => expect(checkHost(host)).toMatchObject({ kind: "refused", code: "bad_request" }));

  test.each([
    ["Example.COM", "example.com"],
    ["example.com.", "example.com"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["_dmarc.a-b.co", "_dmarc.a-b.co"],
    ["3com.com", "3com.com"],
    ["127.0.0.1.nip.io", "127.0.0.1.nip.io"],
  ])("takes the name %s as %s", (host, canonical) => {
    expect(checkHost(host)).toEqual({ kind: "name", host: canonical });
  });

  test("takes canonical literals as addresses, public or not", () => {
    expect(checkHost("127.0.0.1")).toMatchObject({ kind: "address", address: "127.0.0.1", family: 4 });
    expect(checkHost("2001:4860:4860:0::8888")).toMatchObject({ kind: "address", address: "2001:4860:4860::8888", family: 6 });
  });

  test("never throws and never lets a name through that a resolver could take for an address", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-fA-FxX.:%]{1,40}$/)), (host) => {
        const checked = checkHost(host);
        return checked.kind !== "name" || /[a-z_]/.test(checked.host.split(".").at(-1) ?? "");
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("checkPort", () => {
  test("opens four ports and never a closed one, over the whole range", () => {
    const everything = Array.from({ length: 65_536 }, (_, port) => port);
    expect(everything.filter((port) => checkPort(port, noEgressAllow) === null)).toEqual([...openPorts]);
    for (const port of closedPorts) expect(checkPort(port, noEgressAllow, { extraPorts: everything })).not.toBeNull();
    expect(checkPort(9999, noEgressAllow, { extraPorts: [9999] })).toBeNull();
  });

  test.each([0, -1, 65_536, 1.5, Number.NaN])("refuses %d as malformed", (port) => {
    expect(checkPort(port, noEgressAllow)).toMatchObject({ code: "bad_request" });
  });

  test("tells of every closed port that it is never carried, why, and what to do instead", () => {
    for (const port of closedPorts) {
      if (port === 0) continue;
      const { detail } = refusalOf(checkPort(port, noEgressAllow));
      expect(detail).toMatch(new RegExp(`^port ${port} is never carried, for any account: .+; .+`));
      expect(detail).not.toMatch(/\bask\b|support|panel/);
    }
    expect(refusalOf(checkPort(25, noEgressAllow)).detail).toContain("submission service outside of this network");
  });

  test("tells to ask for a port only where asking can help", () => {
    expect(refusalOf(checkPort(9999, noEgressAllow)).detail).toBe("port 9999 is not open for this account; write to support to ask for it");
    expect(PROXY_ERRORS.port_blocked.action).not.toMatch(/\bask\b|panel/);
  });

  test("opens the ports of allowed addresses", () => {
    const allow = allowOf("127.0.0.0/8", "10.0.0.1:5555");
    expect(checkPort(41_234, allow, { address: "127.0.0.9" })).toBeNull();
    expect(checkPort(5555, allow, { address: "10.0.0.1" })).toBeNull();
    expect(checkPort(5556, allow, { address: "10.0.0.1" })).toMatchObject({ code: "port_blocked" });
    expect(checkPort(41_234, allow)).toMatchObject({ code: "port_blocked" });
  });
});

describe("checkDestination", () => {
  test("puts the three checks together", () => {
    const allow = allowOf("127.0.0.1:8081");
    expect(checkDestination("Example.com.", 443, allow)).toEqual({ kind: "name", host: "example.com", port: 443 });
    expect(checkDestination("127.0.0.1", 8081, allow)).toEqual({ kind: "address", host: "127.0.0.1", port: 8081 });
    expect(checkDestination("127.0.0.1", 80, allow)).toMatchObject({ code: "private_address" });
    expect(checkDestination("example.com", 25, allow)).toMatchObject({ code: "port_blocked" });
    expect(checkDestination("192.168.0.1", 5555, allow)).toMatchObject({ code: "private_address" });
  });
});

describe("parseEgressAllow", () => {
  test.each([
    "localhost",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:080",
    "10.0.0.1/8",
    "10.0.0.0/33",
    "::1:80x",
    "",
    " ",
    "[127.0.0.1]",
    "1.2.3/8",
  ])("names the bad entry %j", (entry) => {
    expect(parseEgressAllow(["10.0.0.0/8", entry])).toEqual({ kind: "bad", entry });
  });
  test("takes prefixes, bare addresses and endpoints of both families", () => {
    expect(allowOf("10.0.0.0/8", "::1", "127.0.0.1", "127.0.0.1:80", "[::1]:443")).toMatchObject({
      prefixes: { length: 3 },
      endpoints: { length: 2 },
    });
  });
  test("treats an IPv4-mapped address as its IPv4 address when it looks for a prefix", () => {
    expect(isInPrefixes("::ffff:10.0.0.5", allowOf("10.0.0.0/8").prefixes)).toBe(true);
    expect(isInPrefixes("::ffff:11.0.0.5", allowOf("10.0.0.0/8").prefixes)).toBe(false);
  });
});
