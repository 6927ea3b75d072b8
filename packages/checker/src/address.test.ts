import { expect, test } from "vitest";
import { readAddress } from "./address.ts";

function check(text: string, hex: string | null): void {
  const bytes = readAddress(text);
  expect(bytes && Buffer.from(bytes).toString("hex"), text).toBe(hex);
}

test("addresses read to their bytes, IPv4 inside IPv6 to four", () => {
  check("1.2.3.4", "01020304");
  check("::ffff:1.2.3.4", "01020304");
  check("::ffff:102:304", "01020304");
  check("::", "0".repeat(32));
  check("::1", `${"0".repeat(31)}1`);
  check("2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329");
  check("64:ff9b::1.2.3.4", "0064ff9b000000000000000001020304");
});

test("anything else is no address", () => {
  for (const text of ["", "1.2.3", "0x7f000001", "fe80::1%eth0", "example.org", "1.2.3.4:80"]) check(text, null);
});
