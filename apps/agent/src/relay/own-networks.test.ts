import { describe, expect, test } from "vitest";
import { noEgressAllow, parseEgressAllow } from "@karvon/domain";
import { createOwnNetworks } from "./own-networks.ts";

function address(text: string, cidr: string, family: "IPv4" | "IPv6") {
  const facts = { address: text, netmask: "", mac: "", internal: false, cidr };
  return family === "IPv4" ? { ...facts, family } : { ...facts, family, scopeid: 0 };
}

function own() {
  const networks = createOwnNetworks(() => ({
    eth0: [address("203.0.114.77", "203.0.114.77/26", "IPv4"), address("2a02:8109:1:2::5", "2a02:8109:1:2::5/64", "IPv6")],
  }));
  networks.publicAddress = "84.54.71.1";
  networks.gateway = { address: "::ffff:95.216.1.1", port: 7_443 };
  return networks;
}

describe("own networks", () => {
  test("hosts on the device's own links are refused although their addresses are public", () => {
    expect(own().refuses("203.0.114.100", 443, noEgressAllow)).toMatch(/network of this device/);
    expect(own().refuses("2a02:8109:1:2::99", 443, noEgressAllow)).toMatch(/network of this device/);
    expect(own().refuses("203.0.114.200", 443, noEgressAllow)).toBeNull();
    expect(own().refuses("2a02:8109:1:3::99", 443, noEgressAllow)).toBeNull();
  });

  test("the router's outer address and the gateway are refused", () => {
    expect(own().refuses("84.54.71.1", 443, noEgressAllow)).toMatch(/own address/);
    expect(own().refuses("95.216.1.1", 443, noEgressAllow)).toMatch(/gateway/);
  });

  test("an allowance opens own networks for tests, but never the gateway's door", () => {
    const parsed = parseEgressAllow(["203.0.114.0/24", "95.216.1.1/32"]);
    if (parsed.kind !== "allow") throw new Error("the list is good");
    expect(own().refuses("203.0.114.100", 443, parsed.allow)).toBeNull();
    expect(own().refuses("95.216.1.1", 443, parsed.allow)).toBeNull();
    expect(own().refuses("95.216.1.1", 7_443, parsed.allow)).toMatch(/door/);
  });
});
