/**
 * The one place that knows every environment variable of the platform.
 *
 * It promises: what comes out is complete and checked, or a SettingsError says in one sentence which variable is
 * wrong and what to write instead. An unknown KARVON_ name stops the start, because a mistyped name would otherwise
 * be a setting silently not applied. It reads no files and opens nothing (keys.ts does).
 * Limits: lists hold 256 entries at most.
 */
import { resolve } from "node:path";
import { type Environment, read, SettingsError, textOf } from "./environment.ts";
import { type PaymentVariables, paymentVariables, readPaymentVariables } from "./payments.ts";
import {
  type JournalMode,
  type PortRange,
  readAddress,
  readBlocks,
  readEgress,
  readEmail,
  readCount,
  readHost,
  readJournalMode,
  readPort,
  readPortList,
  readPortRange,
  readSwitch,
  readUrl,
} from "./values.ts";

export interface Settings {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly panelPort: number;
  readonly proxyPort: number;
  /** More ports that do what the proxy port does; at most 64. */
  readonly proxyAliasPorts: readonly number[];
  /** Ports that each stand for a session of whoever connects to them; at most 4,096. */
  readonly stickyPorts: PortRange | null;
  /** Absolute paths of the certificate and key that clients of an HTTPS proxy see; null: the self-signed pair in the data folder. */
  readonly proxyTls: { readonly certPath: string; readonly keyPath: string } | null;
  readonly tunnelPort: number;
  readonly opsPort: number;
  /** The address on which every gateway process has its ops port. */
  readonly opsHost: string;
  readonly demo: boolean;
  /** Gateway processes that share this machine's ports, 1 to 16. */
  readonly gatewayProcesses: number;
  /** CIDR blocks, addresses and address:port that the destination policy lets through although they are not public. */
  readonly egressAllow: string[];
  /** CIDR blocks whose connections may begin with a PROXY protocol header. */
  readonly trustedProxies: string[];
  /** Megabytes that one gateway process may use; a share of the machine's when left out. */
  readonly memoryBudgetMb: number | undefined;
  /** When what sessions have carried is written down. */
  readonly journal: JournalMode;
  /** Sessions of all clients to one host: open at once, and new a second. 0 is no limit. */
  readonly targetSessionsMax: number | undefined;
  readonly targetSessionsPerSecond: number | undefined;
  readonly databaseUrl: string | undefined;
  readonly smtpUrl: string | undefined;
  readonly geoipCityMmdb: string | undefined;
  readonly geoipAsnMmdb: string | undefined;
  /** The host that stands in endpoint lines and enrolment codes. */
  readonly publicHost: string;
  /** The origin of the panels when something stands in front of them. */
  readonly panelUrl: string | undefined;
  /** The first admin's address; without it the demo's admin@karvon.local. */
  readonly adminEmail: string | undefined;
  /** The ways to pay that are set up. */
  readonly payments: PaymentVariables;
}

export { SettingsError, type Environment };

/** Every KARVON_ name there is. docs/settings.md describes each. */
export const karvonVariables = [
  ...paymentVariables,
  "KARVON_ADMIN_EMAIL",
  "KARVON_DATA_DIR",
  "KARVON_DEMO",
  "KARVON_EGRESS_ALLOW",
  "KARVON_GATEWAY_PROCESSES",
  "KARVON_JOURNAL",
  "KARVON_MEMORY_BUDGET_MB",
  "KARVON_OPS_HOST",
  "KARVON_OPS_PORT",
  "KARVON_PANEL_PORT",
  "KARVON_PANEL_URL",
  "KARVON_PROXY_ALIAS_PORTS",
  "KARVON_PROXY_PORT",
  "KARVON_PROXY_TLS_CERT",
  "KARVON_PROXY_TLS_KEY",
  "KARVON_PUBLIC_HOST",
  "KARVON_STICKY_PORTS",
  "KARVON_TARGET_SESSIONS_MAX",
  "KARVON_TARGET_SESSIONS_PER_SECOND",
  "KARVON_TRUSTED_PROXIES",
  "KARVON_TUNNEL_PORT",
] as const;

const known: ReadonlySet<string> = new Set(karvonVariables);

function rejectUnknownNames(env: Environment): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith("KARVON_") || known.has(name)) continue;
    throw new SettingsError(name, `${name} is not a setting that Karvon knows; unset it or use one of ${karvonVariables.join(", ")}.`);
  }
}

function rejectSharedPorts(ports: readonly (readonly [name: string, port: number])[], stickyPorts: PortRange | null): void {
  const owners = new Map<number, string>();
  for (const [name, port] of ports) {
    const isSticky = stickyPorts !== null && port >= stickyPorts.first && port <= stickyPorts.last;
    const owner = isSticky ? "KARVON_STICKY_PORTS" : owners.get(port);
    if (port !== 0 && owner !== undefined) {
      throw new SettingsError(
        name,
        `${name} is wrong: port ${port} is already the one of ${owner}; give each its own, or 0 for any free port.`,
      );
    }
    owners.set(port, name);
  }
}

function readProcesses(env: Environment): number {
  return read(env, "KARVON_GATEWAY_PROCESSES", (text) => readCount(text, 1, 16)) ?? 1;
}

function readMorePorts(env: Environment): Pick<Settings, "proxyAliasPorts" | "stickyPorts"> {
  return {
    proxyAliasPorts: read(env, "KARVON_PROXY_ALIAS_PORTS", readPortList) ?? [],
    stickyPorts: read(env, "KARVON_STICKY_PORTS", readPortRange) ?? null,
  };
}

function readHosts(env: Environment): Pick<Settings, "opsHost" | "publicHost"> {
  return {
    opsHost: read(env, "KARVON_OPS_HOST", readAddress) ?? "127.0.0.1",
    publicHost: read(env, "KARVON_PUBLIC_HOST", readHost) ?? "127.0.0.1",
  };
}

/** Both files or neither: half an identity is a mistake. */
function readProxyTlsPaths(env: Environment, baseDir: string): Settings["proxyTls"] {
  const cert = textOf(env, "KARVON_PROXY_TLS_CERT");
  const key = textOf(env, "KARVON_PROXY_TLS_KEY");
  if (cert === undefined && key === undefined) return null;
  if (cert !== undefined && key !== undefined) return { certPath: resolve(baseDir, cert), keyPath: resolve(baseDir, key) };
  const [missing, given] =
    cert === undefined ? ["KARVON_PROXY_TLS_CERT", "KARVON_PROXY_TLS_KEY"] : ["KARVON_PROXY_TLS_KEY", "KARVON_PROXY_TLS_CERT"];
  throw new SettingsError(
    missing,
    `${missing} is not set although ${given} is; give both PEM files, or neither for a self-signed certificate.`,
  );
}

/**
 * Reads and checks the whole environment. Relative paths of the data folder and the TLS files are resolved against `baseDir`.
 * Throws SettingsError, which names the variable.
 */
export function readSettings(env: Environment, baseDir: string = process.cwd()): Settings {
  rejectUnknownNames(env);
  const ports = {
    KARVON_PANEL_PORT: read(env, "KARVON_PANEL_PORT", readPort) ?? 3000,
    KARVON_PROXY_PORT: read(env, "KARVON_PROXY_PORT", readPort) ?? 7000,
    KARVON_TUNNEL_PORT: read(env, "KARVON_TUNNEL_PORT", readPort) ?? 7443,
    KARVON_OPS_PORT: read(env, "KARVON_OPS_PORT", readPort) ?? 9464,
  };
  const morePorts = readMorePorts(env);
  const aliases = morePorts.proxyAliasPorts.map((port): [string, number] => ["KARVON_PROXY_ALIAS_PORTS", port]);
  rejectSharedPorts([...Object.entries(ports), ...aliases], morePorts.stickyPorts);
  const demo = read(env, "KARVON_DEMO", readSwitch) ?? true;
  const panelUrl = read(env, "KARVON_PANEL_URL", (text) => readUrl(text, ["http:", "https:"]));
  return Object.freeze({
    dataDir: resolve(baseDir, textOf(env, "KARVON_DATA_DIR") ?? ".karvon"),
    panelPort: ports.KARVON_PANEL_PORT,
    proxyPort: ports.KARVON_PROXY_PORT,
    ...morePorts,
    proxyTls: readProxyTlsPaths(env, baseDir),
    tunnelPort: ports.KARVON_TUNNEL_PORT,
    opsPort: ports.KARVON_OPS_PORT,
    ...readHosts(env),
    gatewayProcesses: readProcesses(env),
    journal: read(env, "KARVON_JOURNAL", readJournalMode) ?? "turn",
    demo,
    egressAllow: read(env, "KARVON_EGRESS_ALLOW", readEgress) ?? [],
    trustedProxies: read(env, "KARVON_TRUSTED_PROXIES", readBlocks) ?? [],
    memoryBudgetMb: read(env, "KARVON_MEMORY_BUDGET_MB", (text) => readCount(text, 64, 1_048_576)),
    targetSessionsMax: read(env, "KARVON_TARGET_SESSIONS_MAX", (text) => readCount(text, 0, 1_000_000)),
    targetSessionsPerSecond: read(env, "KARVON_TARGET_SESSIONS_PER_SECOND", (text) => readCount(text, 0, 1_000_000)),
    databaseUrl: read(env, "DATABASE_URL", (text) => readUrl(text, ["postgres:", "postgresql:"])),
    smtpUrl: read(env, "SMTP_URL", (text) => readUrl(text, ["smtp:", "smtps:"])),
    geoipCityMmdb: textOf(env, "GEOIP_CITY_MMDB"),
    geoipAsnMmdb: textOf(env, "GEOIP_ASN_MMDB"),
    panelUrl: panelUrl === undefined ? undefined : new URL(panelUrl).origin,
    adminEmail: read(env, "KARVON_ADMIN_EMAIL", readEmail),
    payments: readPaymentVariables(env, demo),
  });
}
