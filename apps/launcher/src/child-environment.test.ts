import { readSettings } from "@karvon/settings";
import { describe, expect, test } from "vitest";
import { childEnvironment, withoutPayments, type ResolvedFacts } from "./child-environment.ts";

const facts: ResolvedFacts = {
  panelPort: 3001,
  proxyPort: 7001,
  tunnelPort: 7444,
  opsPort: 9465,
  echoPort: 8080,
  panelUrl: "http://127.0.0.1:3001",
  databaseUrl: "postgresql://u:p@127.0.0.1:5432/karvon",
  smtpUrl: "smtp://127.0.0.1:2525",
};

describe("childEnvironment", () => {
  test("is one that the programs' own reader accepts, with every port resolved", () => {
    const settings = readSettings({ KARVON_DATA_DIR: "/data", KARVON_PROXY_PORT: "0" });
    expect(readSettings(childEnvironment({}, settings, facts))).toMatchObject({
      dataDir: settings.dataDir,
      panelPort: 3001,
      proxyPort: 7001,
      tunnelPort: 7444,
      opsPort: 9465,
      panelUrl: "http://127.0.0.1:3001",
      databaseUrl: "postgresql://u:p@127.0.0.1:5432/karvon",
      smtpUrl: "smtp://127.0.0.1:2525",
    });
  });

  test("passes the client ports on, and the TLS files by absolute paths", () => {
    const own = {
      KARVON_PROXY_ALIAS_PORTS: "7777",
      KARVON_STICKY_PORTS: "10000-10001",
      KARVON_PROXY_TLS_CERT: "c.pem",
      KARVON_PROXY_TLS_KEY: "k.pem",
    };
    const child = readSettings(childEnvironment(own, readSettings(own, "/started/here"), facts), "/elsewhere");
    expect(child).toMatchObject({
      proxyAliasPorts: [7777],
      stickyPorts: { first: 10_000, last: 10_001 },
      proxyTls: { certPath: "/started/here/c.pem", keyPath: "/started/here/k.pem" },
    });
  });

  test("lets the demo reach its echo target and announce addresses from loopback", () => {
    const settings = readSettings({ KARVON_EGRESS_ALLOW: "10.0.0.0/8", KARVON_TRUSTED_PROXIES: "192.0.2.1" });
    const child = readSettings(childEnvironment({}, settings, facts));
    expect(child.egressAllow).toEqual(["10.0.0.0/8", "127.0.0.1:8080"]);
    expect(child.trustedProxies).toEqual(["192.0.2.1", "127.0.0.1/32", "::1/128"]);
  });

  test("adds nothing to either list without the demo", () => {
    const settings = readSettings({ KARVON_DEMO: "0" });
    const environment = childEnvironment({ PATH: "/bin" }, settings, { ...facts, echoPort: null });
    const child = readSettings(environment);
    expect({ egressAllow: child.egressAllow, trustedProxies: child.trustedProxies, demo: child.demo }).toEqual({
      egressAllow: [],
      trustedProxies: [],
      demo: false,
    });
    expect(environment).not.toHaveProperty("ECHO_PORT");
    expect(environment["PATH"]).toBe("/bin");
  });

  test("keeps the providers' keys from programs that sell nothing", () => {
    const keys = { KARVON_PAYME_MERCHANT_ID: "m", KARVON_PAYME_KEY: "generated" };
    const environment = childEnvironment({ PATH: "/bin", ...keys }, readSettings(keys), facts);
    expect(readSettings(environment).payments.payme).not.toBeNull();
    const left = withoutPayments(environment);
    expect(readSettings(left).payments.payme).toBeNull();
    expect(left["PATH"]).toBe("/bin");
  });
});
