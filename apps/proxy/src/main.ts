/**
 * The data plane's process: reads the settings, starts the gateway, says "ready" to the launcher, stops when told to.
 *
 * Started with `locate` it is the locator child instead. Under the launcher it is a worker of node:cluster: it shares the
 * listening sockets with its siblings and successors, and takes a seat at the switchboard before it serves. SIGTERM, or
 * the launcher's end of the IPC channel closing, stops it in order; a second signal ends it at once. An error that nobody foresaw is logged and counted and the process goes
 * on, because every connection's state is its own; 100 of them within a minute end it in order.
 */
import { runtimeName } from "./name-runtime.ts";
import {
  readPepper,
  readProxyTls,
  readServiceToken,
  readSettings,
  readTunnelIdentity,
  type Settings,
  SettingsError,
} from "@karvon/settings";
import { createLogger, type Logger } from "@karvon/telemetry";
import cluster from "node:cluster";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openGatewayIdentity } from "./gateway-identity.ts";
import type { LoadOptions } from "./load/gateway-load.ts";
import { createLocator } from "./locator/locator.ts";
import { runLocator } from "./locator/run-locator.ts";
import { lastOpenedMs } from "./radar/usage-journal.ts";
import { joinSiblings, type Membership } from "./siblings/membership.ts";
import { startProxy } from "./start-proxy.ts";

const faultsPerMinuteMax = 100;
const bytesPerMb = 1_048_576;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  if (process.argv[2] === "locate") {
    await runLocator({ cityMmdb: settings.geoipCityMmdb, asnMmdb: settings.geoipAsnMmdb });
    return;
  }
  await runGateway(settings, createLogger({ name: "proxy" }));
}

async function runGateway(settings: Settings, log: Logger): Promise<void> {
  if (settings.databaseUrl === undefined)
    throw new SettingsError("DATABASE_URL", "DATABASE_URL is not set; npm start sets it, or give the URL of a PostgreSQL database.");
  const nowMs = Date.now;
  const journal = { mode: settings.journal, directory: join(settings.dataDir, "journal") };
  const locator = createLocator({ entry: fileURLToPath(import.meta.url), args: ["locate"], log, nowMs });
  const membership = cluster.isWorker ? await takeSeat() : null;
  const retirement: { begin: (() => void) | null } = { begin: null };
  const proxy = await startProxy({
    identity: openGatewayIdentity(settings.dataDir, membership?.welcome.seat ?? 0, nowMs(), (id) =>
      lastOpenedMs(journal.directory, id, log),
    ),
    membership,
    onRetire: () => retirement.begin?.(),
    databaseUrl: settings.databaseUrl,
    proxyPort: settings.proxyPort,
    aliasPorts: settings.proxyAliasPorts,
    stickyPorts: settings.stickyPorts,
    readClientTls: () => readProxyTls(settings),
    tunnelPort: settings.tunnelPort,
    opsPort: settings.opsPort,
    opsHost: settings.opsHost,
    publicHost: settings.publicHost,
    pepper: readPepper(settings.dataDir),
    serviceToken: readServiceToken(settings.dataDir),
    tunnelIdentity: readTunnelIdentity(settings.dataDir),
    egressAllow: settings.egressAllow,
    ownPorts: [settings.panelPort],
    trustedProxies: settings.trustedProxies,
    load: loadOptionsOf(settings),
    journal,
    locate: (address) => locator.locate(address),
    log,
  });

  let isStopping = false;
  function endAfter(work: Promise<void>): void {
    work.then(
      () => process.exit(0),
      (cause: unknown) => {
        log.fatal({ event: "proxy.stop-failed", cause });
        process.exit(1);
      },
    );
  }
  function stop(why: string): void {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ event: "proxy.stopping", why });
    locator.close();
    endAfter(proxy.close());
  }
  retirement.begin = () => endAfter(proxy.retire());
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => {
    // At a terminal the launcher hears Ctrl-C too and stops its programs in order.
    if (process.send === undefined) stop("SIGINT");
  });
  onLauncherGone(() => {
    if (!isStopping) stop("the launcher is gone");
  });
  surviveFaults(log, () => proxy.noteFault(), stop);
  log.info({
    event: "proxy.serving",
    runtime: runtimeName,
    proxyPort: proxy.proxyPort,
    tunnelPort: proxy.tunnelPort,
    opsPort: proxy.opsPort,
    gatewayId: proxy.gatewayId,
  });
  process.send?.({ type: "ready", proxyPort: proxy.proxyPort, tunnelPort: proxy.tunnelPort, opsPort: proxy.opsPort });
}

function loadOptionsOf({ memoryBudgetMb, gatewayProcesses, targetSessionsMax, targetSessionsPerSecond }: Settings): LoadOptions {
  const memoryBudgetBytes = memoryBudgetMb === undefined ? undefined : memoryBudgetMb * bytesPerMb;
  return { memoryBudgetBytes, processes: gatewayProcesses, targetSessionsMax, targetSessionsPerSecond };
}

/** The launcher's welcome: who the siblings are and which seat is free. */
function takeSeat(): Promise<Membership> {
  return joinSiblings({
    post: (frame) => void process.send?.(frame, ignoreLostFrame),
    onMessage: (listener) => void process.on("message", listener),
  });
}

/** A channel that closes is told by its 'disconnect'. */
function ignoreLostFrame(): void {
  // See above.
}

/** A worker of node:cluster ends at once when its channel closes, unless it says that it leaves by itself. */
function onLauncherGone(listener: () => void): void {
  const { worker } = cluster;
  if (worker === undefined) {
    process.once("disconnect", listener);
    return;
  }
  worker.once("disconnect", () => {
    worker.exitedAfterDisconnect = true;
    listener();
  });
}

function surviveFaults(log: Logger, note: () => void, stop: (why: string) => void): void {
  let minute = { startedAtMs: performance.now(), faults: 0 };
  function onFault(cause: unknown): void {
    note();
    log.error({ event: "process.uncaught", cause });
    if (performance.now() - minute.startedAtMs > 60_000) minute = { startedAtMs: performance.now(), faults: 0 };
    minute.faults += 1;
    if (minute.faults === faultsPerMinuteMax) stop("too many faults");
  }
  process.on("uncaughtException", onFault);
  process.on("unhandledRejection", onFault);
  process.on("warning", (warning) => log.warn({ event: "process.warning", cause: warning }));
}

function explain(cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, "code") : undefined;
  const port: unknown = cause instanceof Error ? Reflect.get(cause, "port") : undefined;
  if (code === "EADDRINUSE")
    return `Port ${String(port)} is taken by another program; stop it, or choose another port (KARVON_PROXY_PORT, KARVON_PROXY_ALIAS_PORTS, KARVON_STICKY_PORTS, KARVON_TUNNEL_PORT, KARVON_OPS_PORT).`;
  if (code === "EACCES" && typeof port === "number") return `Port ${port} may not be used by this account; choose one above 1023.`;
  return cause instanceof Error ? cause.message : String(cause);
}

main().catch((cause: unknown) => {
  if (!(cause instanceof SettingsError)) createLogger({ name: "proxy" }).fatal({ event: "proxy.start-failed", cause });
  process.stderr.write(`The gateway did not start: ${explain(cause)}\n`);
  process.exit(1);
});
