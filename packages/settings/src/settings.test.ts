import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readSettings, SettingsError } from "./settings.ts";

function refusal(env: Record<string, string>): SettingsError {
  try {
    readSettings(env, "/base");
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("the settings were accepted");
}

describe("readSettings", () => {
  test("gives the documented defaults for an empty environment", () => {
    expect(readSettings({ PATH: "/bin" }, "/base")).toEqual({
      dataDir: resolve("/base/.karvon"),
      panelPort: 3000,
      proxyPort: 7000,
      proxyAliasPorts: [],
      stickyPorts: null,
      proxyTls: null,
      tunnelPort: 7443,
      opsPort: 9464,
      opsHost: "127.0.0.1",
      demo: true,
      gatewayProcesses: 1,
      journal: "turn",
      egressAllow: [],
      trustedProxies: [],
      memoryBudgetMb: undefined,
      targetSessionsMax: undefined,
      targetSessionsPerSecond: undefined,
      databaseUrl: undefined,
      smtpUrl: undefined,
      geoipCityMmdb: undefined,
      geoipAsnMmdb: undefined,
      publicHost: "127.0.0.1",
      panelUrl: undefined,
      adminEmail: undefined,
      payments: { test: true, stripe: null, payme: null, click: null, bankTransfer: null },
    });
  });

  test("reads every variable", () => {
    const settings = readSettings(
      {
        KARVON_DATA_DIR: "/data/karvon",
        KARVON_PANEL_PORT: "0",
        KARVON_PROXY_PORT: "0",
        KARVON_PROXY_ALIAS_PORTS: "7777, 8000,3128",
        KARVON_STICKY_PORTS: "10000-10999",
        KARVON_PROXY_TLS_CERT: "tls/fullchain.pem",
        KARVON_PROXY_TLS_KEY: "/etc/tls/key.pem",
        KARVON_TUNNEL_PORT: "17443",
        KARVON_OPS_PORT: "0",
        KARVON_OPS_HOST: "::1",
        KARVON_DEMO: "0",
        KARVON_GATEWAY_PROCESSES: "4",
        KARVON_EGRESS_ALLOW: "127.0.0.1:8080, [::1]:9, 10.0.0.0/8,fd00::/8",
        KARVON_TRUSTED_PROXIES: "127.0.0.1/32,::1/128",
        KARVON_JOURNAL: "tick:250",
        KARVON_MEMORY_BUDGET_MB: "512",
        KARVON_TARGET_SESSIONS_MAX: "0",
        KARVON_TARGET_SESSIONS_PER_SECOND: "250",
        KARVON_PUBLIC_HOST: "gw.example.org",
        KARVON_PANEL_URL: "https://panel.example.org/",
        KARVON_ADMIN_EMAIL: "Ann@Example.org",
        DATABASE_URL: "postgresql://u:p@127.0.0.1/db",
        SMTP_URL: "smtp://127.0.0.1:25",
        GEOIP_CITY_MMDB: "/geo/city.mmdb",
        GEOIP_ASN_MMDB: "/geo/asn.mmdb",
      },
      "/base",
    );
    expect(settings).toMatchObject({
      dataDir: resolve("/data/karvon"),
      panelPort: 0,
      proxyAliasPorts: [7_777, 8_000, 3_128],
      stickyPorts: { first: 10_000, last: 10_999 },
      proxyTls: { certPath: resolve("/base/tls/fullchain.pem"), keyPath: resolve("/etc/tls/key.pem") },
      tunnelPort: 17_443,
      opsHost: "::1",
      demo: false,
      gatewayProcesses: 4,
      journal: { tickMs: 250 },
      egressAllow: ["127.0.0.1:8080", "[::1]:9", "10.0.0.0/8", "fd00::/8"],
      trustedProxies: ["127.0.0.1/32", "::1/128"],
      memoryBudgetMb: 512,
      targetSessionsMax: 0,
      targetSessionsPerSecond: 250,
      publicHost: "gw.example.org",
      panelUrl: "https://panel.example.org",
      adminEmail: "ann@example.org",
      databaseUrl: "postgresql://u:p@127.0.0.1/db",
      geoipAsnMmdb: "/geo/asn.mmdb",
    });
  });

  test("treats an empty value as unset", () => {
    expect(readSettings({ KARVON_PROXY_PORT: "", DATABASE_URL: " " }, "/base")).toMatchObject({ proxyPort: 7000, databaseUrl: undefined });
  });

  test("stops at an unknown KARVON_ name and names it", () => {
    expect(refusal({ KARVON_PROXY_PROT: "7000" }).message).toMatch(/^KARVON_PROXY_PROT is not a setting .*KARVON_PROXY_PORT/);
  });

  test.each([
    ["KARVON_PROXY_PORT", "65536"],
    ["KARVON_PROXY_PORT", "-1"],
    ["KARVON_PROXY_PORT", "7e3"],
    ["KARVON_PANEL_PORT", "http"],
    ["KARVON_PROXY_ALIAS_PORTS", "7777,0"],
    ["KARVON_PROXY_ALIAS_PORTS", "7777,7777"],
    ["KARVON_PROXY_ALIAS_PORTS", Array.from({ length: 65 }, (_, at) => 8_000 + at).join()],
    ["KARVON_STICKY_PORTS", "10000"],
    ["KARVON_STICKY_PORTS", "10999-10000"],
    ["KARVON_STICKY_PORTS", "10000-10999-11000"],
    ["KARVON_STICKY_PORTS", "10000-20000"],
    ["KARVON_DEMO", "true"],
    ["KARVON_GATEWAY_PROCESSES", "0"],
    ["KARVON_GATEWAY_PROCESSES", "17"],
    ["KARVON_GATEWAY_PROCESSES", "two"],
    ["KARVON_JOURNAL", "on"],
    ["KARVON_JOURNAL", "tick:0"],
    ["KARVON_JOURNAL", "tick:60001"],
    ["KARVON_MEMORY_BUDGET_MB", "63"],
    ["KARVON_MEMORY_BUDGET_MB", "1g"],
    ["KARVON_TARGET_SESSIONS_MAX", "-1"],
    ["KARVON_TARGET_SESSIONS_PER_SECOND", "1e3"],
    ["KARVON_EGRESS_ALLOW", "10.0.0.0/33"],
    ["KARVON_EGRESS_ALLOW", "example.org:80"],
    ["KARVON_EGRESS_ALLOW", "127.0.0.1:0"],
    ["KARVON_TRUSTED_PROXIES", "127.0.0.1:80"],
    ["KARVON_TRUSTED_PROXIES", "::1/129"],
    ["KARVON_PUBLIC_HOST", "gw.example.org:7000"],
    ["KARVON_ADMIN_EMAIL", "ann"],
    ["KARVON_PANEL_URL", "panel.example.org"],
    ["DATABASE_URL", "mysql://127.0.0.1/db"],
    ["SMTP_URL", "127.0.0.1:25"],
  ])("refuses %s=%s with one sentence that starts with the name", (name, value) => {
    const error = refusal({ [name]: value });
    expect(error.variable).toBe(name);
    expect(error.message).toMatch(new RegExp(`^${name} is wrong: .+\\.$`));
    expect(error.message).not.toContain("\n");
  });

  test("refuses one port for two services and names both variables", () => {
    expect(refusal({ KARVON_PROXY_PORT: "3000" }).message).toMatch(/KARVON_PROXY_PORT.*KARVON_PANEL_PORT/);
  });

  test("refuses an alias or sticky port that another service has", () => {
    expect(refusal({ KARVON_PROXY_ALIAS_PORTS: "8000,9464" }).message).toMatch(/KARVON_PROXY_ALIAS_PORTS.*KARVON_OPS_PORT/);
    expect(refusal({ KARVON_STICKY_PORTS: "7000-7100" }).message).toMatch(/KARVON_PROXY_PORT.*KARVON_STICKY_PORTS/);
  });

  test("refuses a certificate without its key and the other way round", () => {
    expect(refusal({ KARVON_PROXY_TLS_CERT: "/a.pem" }).variable).toBe("KARVON_PROXY_TLS_KEY");
    expect(refusal({ KARVON_PROXY_TLS_KEY: "/a.pem" }).variable).toBe("KARVON_PROXY_TLS_CERT");
  });

  test("never repeats a database URL, which may hold a password", () => {
    expect(refusal({ DATABASE_URL: "http://u:hunter2@h/db" }).message).not.toContain("hunter2");
  });
});
