/**
 * The composition root of the data plane: plain constructors in order, closed in reverse.
 *
 * `startProxy` resolves when every port serves and rejects when the gateway must not (database away or not durable, a
 * port taken). Closing takes no new work, lets open sessions finish for `drainMs`, posts the last bytes and marks the
 * nodes offline; it loses nothing that was carried unless the ledger stays away for 10 s.
 */
import { startFlusher } from "@karvon/billing";
import { type GatewayDatabase, openGatewayDatabase } from "@karvon/db/sql";
import { parseEgressAllow, parsePrefix, type Prefix, type Refusal, refuse } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import { setTimeout as pause } from "node:timers/promises";
import { createControlWatch } from "./control/control-watch.ts";
import { type GatewayIdentity } from "./gateway-identity.ts";
import type { GatewayContext } from "./gateway/client-connection.ts";
import { connectionBudget, readDescriptorLimit } from "./gateway/descriptor-budget.ts";
import { listenGateway } from "./gateway/listen-gateway.ts";
import { keepHouse } from "./keep-house.ts";
import { listMetrics } from "./ops/list-metrics.ts";
import { listenOps } from "./ops/listen-ops.ts";
import { readAvailability } from "./ops/read-availability.ts";
import { createPocket } from "./pocket/pocket.ts";
import { createSessionLog } from "./radar/session-log.ts";
import { createTicker } from "./radar/ticker.ts";
import { createRouter } from "./router/choose-exit.ts";
import { createNodeDirectory } from "./router/node-directory.ts";
import { createStickySessions } from "./router/sticky-sessions.ts";
import { createAccounts } from "./session/accounts.ts";
import { createAuthoriser } from "./session/authorise.ts";
import { createBlockRules } from "./session/block-rules.ts";
import { createCredentials } from "./session/credentials.ts";
import { createSessionOpener } from "./session/open-session.ts";
import { createRefusalLog } from "./session/refusal-log.ts";
import { refusal as nodeRefusal } from "./tunnel/judge-node.ts";
import { listenTunnels } from "./tunnel/listen-tunnels.ts";
import type { NodePlace } from "./tunnel/live-node.ts";
import { createTunnelManager } from "./tunnel/tunnel-manager.ts";

export interface ProxyOptions {
  readonly identity: GatewayIdentity;
  readonly databaseUrl: string;
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  /** How the panels reach the ops port. */
  readonly publicHost: string;
  readonly pepper: Buffer;
  readonly serviceToken: string;
  readonly tunnelIdentity: { readonly keyPem: string; readonly certPem: string };
  readonly egressAllow: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly locate: (address: string) => Promise<NodePlace>;
  readonly log: Logger;
  /** 5,000 when left out. */
  readonly flushIntervalMs?: number;
  /** 5,000 when left out. */
  readonly drainMs?: number;
  /** Client connections held at once; the descriptor budget when left out. */
  readonly connectionsMax?: number;
}

export interface RunningProxy {
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  readonly gatewayId: string;
  /** Counts a fault that nobody foresaw, for /metrics. */
  noteFault(): void;
  /** Posts everything carried so far. */
  flushNow(): Promise<void>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

const unpostedSessionsMax = 100_000;
/** With usage waiting longer than this for the ledger nobody new is admitted: what is carried must be billable. */
const flushLagMaxMs = 60_000;
const pingTimeoutMs = 2_000;

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const database = openGatewayDatabase({
    url: options.databaseUrl,
    onError: (cause) => options.log.warn({ event: "database.error", cause }),
  });
  try {
    await database.assertDurable();
    await database.ensurePartitions();
    return await serve(options, database);
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

async function serve(options: ProxyOptions, database: GatewayDatabase): Promise<RunningProxy> {
  const { log, identity } = options;
  const nowMs = Date.now;
  const monotonicMs = performance.now.bind(performance);
  const faults = { count: 0 };
  let opened = 0;
  let isDraining = false;
  function onFault(cause: unknown): void {
    faults.count += 1;
    log.error({ event: "proxy.fault", cause });
  }

  const accounts = createAccounts(nowMs);
  const sessions = createSessionLog({ nowMs, monotonicMs, unpostedSessionsMax });
  const refusals = createRefusalLog({ gatewayId: identity.id, log, nowMs });
  const credentials = createCredentials({ database, accounts, nowMs });
  const directory = createNodeDirectory();
  const sticky = createStickySessions(nowMs);
  const blockRules = createBlockRules();
  const egressAllow = readEgressAllow(options.egressAllow);
  const trustedProxies = readPrefixes(options.trustedProxies);

  const pocket = createPocket({ gatewayId: identity.id, database, directory, log, nowMs });
  const tunnels = createTunnelManager({
    gatewayId: identity.id,
    database,
    directory,
    locate: options.locate,
    log,
    nowMs,
    onJoined: (node) => pocket.joined(node),
    onLeft: (node) => pocket.left(node),
    onReport(node, message) {
      if (message.type === "status") return pocket.reported(node, message.payload);
      tunnels.dismiss(node, nodeRefusal("consent_withdrawn", "Consent was withdrawn; thank you."), "ownerStopped");
      return pocket.withdrawn(node);
    },
  });

  const flusher = startFlusher({
    ledger: database,
    gatewayId: identity.id,
    epoch: identity.epoch,
    collect: () => sessions.collect(),
    intervalMs: options.flushIntervalMs ?? 5_000,
    onPosted(batch, receipt) {
      sessions.posted(batch, receipt);
      for (const { clientId, balanceBytes } of receipt.balances) accounts.setBalance(clientId, balanceBytes);
      ticker.enforce();
    },
    onFailure: ({ cause, attempts, retryInMs }) => log.warn({ event: "flush.failed", attempts, retryInMs, cause }),
  });
  const ticker = createTicker({
    gatewayId: identity.id,
    sessions,
    refusals,
    nowMs,
    monotonicMs,
    countTunnels: () => directory.size,
    flushLagMs: () => flusher.lagMs,
    onTick: (tick) => ops.publish(tick),
  });

  function gate(): Refusal | null {
    if (isDraining) return refuse("draining", "the gateway is stopping");
    if (sessions.isFull || flusher.lagMs > flushLagMaxMs) return refuse("overloaded", "usage waits too long for the ledger");
    return null;
  }

  const authoriser = createAuthoriser({ credentials, pepper: options.pepper, nowMs, onFault });
  const router = createRouter({ directory, sticky, nowMs, random: Math.random });
  const opener = createSessionOpener({
    router,
    sticky,
    sessions,
    blockRules,
    egressAllow,
    nowMs,
    gate,
    onViolation: (node, detail) => tunnels.expel(node, detail),
    onFault,
    onOpened: () => (opened += 1),
  });
  const context: GatewayContext = { authoriser, opener, refusals, sessions, log, nowMs, isDraining: () => isDraining };
  const control = createControlWatch({
    database,
    credentials,
    directory,
    sessions,
    blockRules,
    recheckNode: (node) => tunnels.recheck(node),
    enforce: () => ticker.enforce(),
    log,
  });

  async function findTroubles(): Promise<string[]> {
    const troubles: string[] = [];
    if (isDraining) troubles.push("stopping");
    if (flusher.lagMs > flushLagMaxMs) troubles.push("usage waits too long for the ledger");
    const isDatabaseHere = await Promise.race([
      database.ping().then(
        () => true,
        () => false,
      ),
      pause(pingTimeoutMs, false, { ref: false }),
    ]);
    if (!isDatabaseHere) troubles.push("the database does not answer");
    return troubles;
  }

  const ops = await listenOps({
    port: options.opsPort,
    serviceToken: options.serviceToken,
    log,
    findTroubles,
    listMetrics: () =>
      listMetrics({
        sessions,
        refusals,
        directory,
        ticker,
        flushLagMs: () => flusher.lagMs,
        countConnections: () => gateway.connectionsOpen,
        countSessionsOpened: () => opened,
        countFaults: () => faults.count,
      }),
    readAvailability: () => readAvailability(directory.listServing()),
  });
  await database.registerGateway({ id: identity.id, epoch: identity.epoch, opsUrl: `http://${hostInUrl(options.publicHost)}:${ops.port}` });
  await control.start();
  const gateway = await listenGateway({
    port: options.proxyPort,
    context,
    trustedProxies,
    connectionsMax: options.connectionsMax ?? connectionBudget(readDescriptorLimit()),
  });
  const tunnelPort = await listenTunnels({
    port: options.tunnelPort,
    ...options.tunnelIdentity,
    trustedProxies,
    log,
    onTunnel: (socket, address) => tunnels.accept(socket, address),
  });
  const house = keepHouse({ pocket, refusals, accounts, sticky, database, log });
  ticker.start();

  async function close(): Promise<void> {
    isDraining = true;
    gateway.stopAccepting();
    tunnelPort.stopAccepting();
    await drained(() => sessions.openCount, options.drainMs ?? 5_000);
    for (const session of sessions.listOpen()) session.cut("draining");
    await gateway.close();
    ticker.stop();
    await control.close();
    tunnels.drain();
    tunnels.close();
    await attempt("flush", () => flusher.close());
    await attempt("house", () => house.close());
    await attempt("presence", () => database.markGatewayNodesOffline(identity.id));
    await attempt("gateway", () => database.stopGateway(identity.id));
    await tunnelPort.close();
    await ops.close();
    await database.close();
  }
  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    await work().catch((cause: unknown) => log.error({ event: "proxy.close-failed", what, cause }));
  }
  let closing: Promise<void> | null = null;

  return {
    proxyPort: gateway.port,
    tunnelPort: tunnelPort.port,
    opsPort: ops.port,
    gatewayId: identity.id,
    noteFault: () => void (faults.count += 1),
    flushNow: () => flusher.flushNow(),
    close: () => (closing ??= close()),
  };
}

function readEgressAllow(list: readonly string[]): Extract<ReturnType<typeof parseEgressAllow>, { kind: "allow" }>["allow"] {
  const parsed = parseEgressAllow(list);
  if (parsed.kind === "bad") throw new RangeError(`KARVON_EGRESS_ALLOW is wrong: "${parsed.entry}" is no block, address or address:port.`);
  return parsed.allow;
}

function readPrefixes(list: readonly string[]): Prefix[] {
  return list.map((cidr) => {
    const prefix = parsePrefix(cidr);
    if (prefix === null) throw new RangeError(`KARVON_TRUSTED_PROXIES is wrong: "${cidr}" is no CIDR block.`);
    return prefix;
  });
}

function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Resolves when nothing is left or the time is up. */
async function drained(countLeft: () => number, withinMs: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (countLeft() > 0 && performance.now() < deadlineMs) await pause(50);
}
