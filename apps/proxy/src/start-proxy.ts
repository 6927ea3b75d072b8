/**
 * The composition root of the data plane: plain constructors in order, closed in reverse.
 *
 * `startProxy` resolves when every port serves and rejects when the gateway must not (database away or not durable, a
 * port taken). Closing takes no new work, lets open sessions finish for `drainMs`, posts the last bytes and marks the
 * nodes offline; it loses nothing that was carried unless the ledger stays away for 10 s. Retiring (retire.ts) is closing
 * beside a successor: nodes move first and nobody is refused.
 */
import { type Flusher, startFlusher } from "@karvon/billing";
import { type GatewayDatabase, openGatewayDatabase } from "@karvon/db/sql";
import { type EgressAllow, type Prefix, type Refusal, refuse } from "@karvon/domain";
import type { PortRange, ProxyTlsIdentity } from "@karvon/settings";
import type { Logger } from "@karvon/telemetry";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { createFleet, type Fleet } from "./compose-fleet.ts";
import { type ControlWatch, createControlWatch } from "./control/control-watch.ts";
import { type GatewayIdentity } from "./gateway-identity.ts";
import type { GatewayContext } from "./gateway/client-connection.ts";
import { type Gateway, listenGateway } from "./gateway/listen-gateway.ts";
import { type ClientPortNumbers, countPorts, listPorts } from "./gateway/open-client-ports.ts";
import { type ClientTlsTimings, openClientTls } from "./gateway/open-client-tls.ts";
import type { GatewayTimeouts } from "./gateway/timeouts.ts";
import { createLoad, type Load, type LoadOptions } from "./load/gateway-load.ts";
import { keepHouse } from "./keep-house.ts";
import { opsUrlOf, readEgressAllow, readPrefixes } from "./network-options.ts";
import { listMetrics } from "./ops/list-metrics.ts";
import { listenOps, type OpsServer } from "./ops/listen-ops.ts";
import { readAvailability, readCountryPlaces } from "./ops/read-availability.ts";
import { createSessionLog, type SessionLog } from "./radar/session-log.ts";
import { createTicker, type RadarTick, type Ticker } from "./radar/ticker.ts";
import { drained, retire } from "./retire.ts";
import { createNodeDirectory, type NodeDirectory } from "./router/node-directory.ts";
import { createQualityBook, type QualityBook } from "./router/quality-book.ts";
import { shareDirectory } from "./router/shared-directory.ts";
import { createStickySessions, type StickySessions } from "./router/sticky-sessions.ts";
import { type Accounts, createAccounts } from "./session/accounts.ts";
import { createAuthoriser } from "./session/authorise.ts";
import { type BlockRules, createBlockRules } from "./session/block-rules.ts";
import { createCredentials, type Credentials } from "./session/credentials.ts";
import { createSessionOpener } from "./session/open-session.ts";
import { createOwnEndpoints, databasePorts, type OwnEndpoints } from "./session/own-endpoints.ts";
import { createSharedCounts, type SharedCounts } from "./session/shared-count.ts";
import { createRefusalLog, type RefusalLog } from "./session/refusal-log.ts";
import type { Membership } from "./siblings/membership.ts";
import { listenTunnels, type TunnelListener } from "./tunnel/listen-tunnels.ts";
import type { LiveNode, NodePlace } from "./tunnel/live-node.ts";

export interface ProxyOptions {
  readonly identity: GatewayIdentity;
  readonly databaseUrl: string;
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  /** The address on which the ops port listens. */
  readonly opsHost: string;
  /** How the panels reach the ops port when it listens on every address. */
  readonly publicHost: string;
  readonly pepper: Buffer;
  readonly serviceToken: string;
  readonly tunnelIdentity: { readonly keyPem: string; readonly certPem: string };
  /** More ports for clients; none when left out. */
  readonly aliasPorts?: readonly number[];
  readonly stickyPorts?: PortRange | null;
  /** Certificate and key for TLS to the client ports. Asked now and then: what it answers is used from then on. */
  readonly readClientTls: () => ProxyTlsIdentity;
  readonly clientTlsTimings?: ClientTlsTimings;
  readonly egressAllow: readonly string[];
  /** Ports of this machine, beside the gateway's and the database's, that no session may lead to. */
  readonly ownPorts?: readonly number[];
  readonly trustedProxies: readonly string[];
  readonly locate: (address: string) => Promise<NodePlace>;
  readonly log: Logger;
  /** Among the gateway processes of this machine; left out for a process that is alone. */
  readonly membership?: Membership | null;
  /** The launcher asks this process to leave: call `retire`. */
  readonly onRetire?: () => void;
  /** 5,000 when left out. */
  readonly flushIntervalMs?: number;
  /** 5,000 when left out. */
  readonly drainMs?: number;
  /** Bounds and timeouts other than the defaults of docs/limits.md. */
  readonly load?: LoadOptions;
  /** Refusals written to the log; 50 when left out. */
  readonly refusalLinesPerSecond?: number;
  /** Those that differ from the usual ones. */
  readonly timeouts?: Partial<GatewayTimeouts>;
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
  /** Leaves in order while a successor serves, then closes. */
  retire(): Promise<void>;
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
  const core = createCore(options, database);
  const fleet = createFleetOf(core);
  const meter = createMeter(core);
  const control = createControl(core, fleet, meter);
  const ports = await openPorts(core, fleet, meter, control);
  const house = keepHouse({
    ...core,
    pocket: fleet.pocket,
    log: options.log,
    countSessions: () => core.sessions.openCount,
    countSessionsOpened: () => core.state.sessionsOpened,
  });
  meter.ticker.start();
  core.load.memory.start();
  options.membership?.declare("serving");
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= closeProxy(core, { fleet, meter, control, ports, house }));
  return {
    proxyPort: ports.gateway.port,
    tunnelPort: ports.tunnel.port,
    opsPort: ports.ops.port,
    gatewayId: options.identity.id,
    noteFault: () => void (core.state.faults += 1),
    flushNow: () => meter.flusher.flushNow(),
    async retire() {
      await retire({
        log: options.log,
        announce: () => fleet.siblings?.retire(),
        stopKeepAlive: () => (core.state.isLeaving = true),
        ...ports,
        tunnels: fleet.tunnels,
        countNodes: () => core.directory.size,
        countSessions: () => core.sessions.openCount + (fleet.siblings?.links.servedStreams ?? 0),
      });
      await close();
    },
    close,
  };
}

/** What every part shares: the options, the stores, and the few figures that change. */
interface Core {
  readonly options: ProxyOptions;
  readonly database: GatewayDatabase;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly accounts: Accounts;
  readonly sessions: SessionLog;
  readonly refusals: RefusalLog;
  readonly credentials: Credentials;
  /** Nodes whose tunnels end in this process. */
  readonly directory: NodeDirectory<LiveNode>;
  /** Those of siblings too; null for a process that is alone. */
  readonly everywhere: NodeDirectory<LiveNode> | null;
  readonly qualities: QualityBook;
  readonly sticky: StickySessions;
  readonly blockRules: BlockRules;
  readonly own: OwnEndpoints;
  readonly trustedProxies: readonly Prefix[];
  readonly egressAllow: EgressAllow;
  /** What siblings count together. */
  readonly shared: SharedCounts;
  readonly load: Load;
  readonly state: { isDraining: boolean; isLeaving: boolean; faults: number; sessionsOpened: number; publish: (tick: RadarTick) => void };
  readonly onFault: (cause: unknown) => void;
}

function createCore(options: ProxyOptions, database: GatewayDatabase): Core {
  const { log, identity } = options;
  const nowMs = Date.now;
  const monotonicMs = performance.now.bind(performance);
  const accounts = createAccounts(nowMs);
  const sessions = createSessionLog({ nowMs, monotonicMs, unpostedSessionsMax });
  const here = createNodeDirectory<LiveNode>(monotonicMs);
  const everywhere = (options.membership ?? null) === null ? null : createNodeDirectory<LiveNode>(monotonicMs);
  const egressAllow = readEgressAllow(options.egressAllow);
  const shared = createSharedCounts();
  const load = createLoad(options.load ?? {}, {
    timeouts: options.timeouts ?? {},
    portsOpen: countPorts(portNumbersOf(options)),
    sessions,
    egressAllow,
    shared,
    countTunnels: () => here.size,
    monotonicMs,
    log,
  });
  const own = createOwnEndpoints(monotonicMs);
  own.add(...listPorts(portNumbersOf(options)), ...databasePorts(options.databaseUrl), ...(options.ownPorts ?? []));
  const state: Core["state"] = { isDraining: false, isLeaving: false, faults: 0, sessionsOpened: 0, publish: () => undefined };
  return {
    options,
    database,
    nowMs,
    monotonicMs,
    accounts,
    sessions,
    refusals: createRefusalLog({ gatewayId: identity.id, log, nowMs, linesPerSecond: options.refusalLinesPerSecond }),
    credentials: createCredentials({ database, accounts, nowMs }),
    directory: everywhere === null ? here : shareDirectory(here, everywhere),
    everywhere,
    qualities: createQualityBook(monotonicMs),
    sticky: createStickySessions({ nowMs, writer: options.membership?.id ?? 0 }),
    blockRules: createBlockRules(),
    own,
    trustedProxies: readPrefixes(options.trustedProxies),
    egressAllow,
    shared,
    load,
    state,
    onFault(cause) {
      state.faults += 1;
      log.error({ event: "proxy.fault", cause });
    },
  };
}

function createFleetOf(core: Core): Fleet {
  const { options } = core;
  return createFleet({
    ...core,
    gatewayId: options.identity.id,
    membership: options.membership ?? null,
    pressure: core.load.pressure,
    random: Math.random,
    onPorts: (ports) => core.own.add(...ports),
    locate: options.locate,
    log: options.log,
    onRetire: () => options.onRetire?.(),
  });
}

interface Meter {
  readonly flusher: Flusher;
  readonly ticker: Ticker;
}

function createMeter(core: Core): Meter {
  const { options, sessions, accounts } = core;
  const { identity, log } = options;
  const flusher = startFlusher({
    ledger: core.database,
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
    ...core,
    gatewayId: identity.id,
    timeouts: core.load.timeouts,
    countTunnels: () => core.directory.size,
    flushLagMs: () => flusher.lagMs,
    onTick: (tick) => core.state.publish(tick),
  });
  return { flusher, ticker };
}

function createControl(core: Core, fleet: Fleet, meter: Meter): ControlWatch {
  return createControlWatch({
    ...core,
    recheckNode: (node) => fleet.tunnels.recheck(node),
    enforce: () => meter.ticker.enforce(),
    log: core.options.log,
  });
}

function createGatewayContext(core: Core, fleet: Fleet, meter: Meter): GatewayContext {
  const { options, state, sessions, nowMs, onFault } = core;
  const { timeouts, tarpit } = core.load;
  const gate = (): Refusal | null => {
    if (state.isDraining) return refuse("draining", "the gateway is stopping");
    if (sessions.isFull || meter.flusher.lagMs > flushLagMaxMs) return refuse("overloaded", "usage waits too long for the ledger");
    return core.load.memory.refuseSession();
  };
  const opener = createSessionOpener({
    ...core,
    router: fleet.router,
    names: fleet.names,
    targets: core.load.targets,
    nodeAnswerMs: core.load.timeouts.nodeAnswerMs,
    gate,
    onViolation: (node, detail) => fleet.tunnels.expel(node, detail),
    onOpened: () => (state.sessionsOpened += 1),
  });
  const authoriser = createAuthoriser({
    credentials: core.credentials,
    guesses: core.shared.guesses,
    pepper: options.pepper,
    nowMs,
    onFault,
  });
  return {
    authoriser,
    opener,
    refusals: core.refusals,
    sessions,
    log: options.log,
    nowMs,
    isDraining: () => state.isDraining,
    timeouts,
    tarpit,
    resting: new Set(),
    mayKeepAlive: () => !state.isLeaving && !state.isDraining,
  };
}

interface Ports {
  readonly ops: OpsServer;
  readonly clientTls: { stop(): void };
  readonly gateway: Gateway;
  readonly tunnel: TunnelListener;
}

/** Health first, then what is obeyed, clients and nodes last: whoever can connect is served. */
async function openPorts(core: Core, fleet: Fleet, meter: Meter, control: ControlWatch): Promise<Ports> {
  const { options, database, trustedProxies, directory, state } = core;
  const { log, identity } = options;
  let gateway: Gateway | null = null;
  const membership = options.membership ?? null;
  const ops = await listenOps({
    host: options.opsHost,
    port: membership === null ? options.opsPort : 0,
    publicPort: membership?.welcome.opsPort ?? null,
    serviceToken: options.serviceToken,
    log,
    findTroubles: () => findTroubles(core, meter),
    listMetrics: () =>
      listMetrics({
        ...core,
        ticker: meter.ticker,
        flushLagMs: () => meter.flusher.lagMs,
        countConnections: () => gateway?.connectionsOpen ?? 0,
        countSessionsOpened: () => state.sessionsOpened,
        countFaults: () => state.faults,
        countTunnelsTurnedAway: () => fleet.tunnels.turnedAway,
      }),
    readAvailability: () => readAvailability(directory.index),
    readCountryPlaces: (country) => readCountryPlaces(directory.index, country),
  });
  const opsPorts = [ops.port, membership?.welcome.opsPort ?? ops.port];
  core.own.add(...opsPorts);
  state.publish = (tick) => ops.publish(tick);
  await database.registerGateway({ ...identity, opsUrl: opsUrlOf(options, ops.port) });
  await control.start();
  await fleet.siblings?.open(opsPorts);
  const clientTls = openClientTls({ read: options.readClientTls, log, timings: options.clientTlsTimings });
  gateway = await listenGateway({
    ...portNumbersOf(options),
    tls: clientTls.acceptor,
    context: createGatewayContext(core, fleet, meter),
    trustedProxies,
    descriptors: core.load.descriptors,
    sources: core.load.sources,
  });
  core.own.add(gateway.port);
  const { descriptors } = core.load;
  const onTunnel = (socket: TLSSocket, address: string, hasRoom: boolean): void => fleet.tunnels.accept(socket, address, hasRoom);
  const tunnel = await listenTunnels({ port: options.tunnelPort, ...options.tunnelIdentity, trustedProxies, log, descriptors, onTunnel });
  core.own.add(tunnel.port);
  return { ops, clientTls, gateway, tunnel };
}

function portNumbersOf(options: ProxyOptions): ClientPortNumbers {
  return { port: options.proxyPort, aliasPorts: options.aliasPorts, stickyPorts: options.stickyPorts };
}

async function findTroubles(core: Core, meter: Meter): Promise<string[]> {
  const troubles: string[] = [];
  if (core.state.isDraining) troubles.push("stopping");
  if (meter.flusher.lagMs > flushLagMaxMs) troubles.push("usage waits too long for the ledger");
  const answer = core.database.ping().then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([answer, pause(pingTimeoutMs, false, { ref: false })]))) troubles.push("the database does not answer");
  return troubles;
}

interface Parts {
  readonly fleet: Fleet;
  readonly meter: Meter;
  readonly control: ControlWatch;
  readonly ports: Ports;
  readonly house: { close(): Promise<void> };
}

async function closeProxy(core: Core, { fleet, meter, control, ports, house }: Parts): Promise<void> {
  const { options, database, sessions, state } = core;
  const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
    work().catch((cause: unknown) => options.log.error({ event: "proxy.close-failed", what, cause }));
  state.isDraining = true;
  ports.clientTls.stop();
  ports.gateway.stopAccepting();
  ports.gateway.endResting();
  ports.tunnel.stopAccepting();
  await drained(() => sessions.openCount, options.drainMs ?? 5_000);
  for (const session of sessions.listOpen()) session.line.cut("draining");
  await ports.gateway.close();
  meter.ticker.stop();
  core.load.memory.stop();
  await attempt("control", () => control.close());
  fleet.tunnels.drain();
  fleet.tunnels.close();
  await attempt("flush", () => meter.flusher.close());
  await attempt("house", () => house.close());
  await attempt("presence", () => database.markGatewayNodesOffline(options.identity.id));
  await attempt("gateway", () => database.stopGateway(options.identity.id));
  await attempt("siblings", async () => fleet.siblings?.close());
  await ports.tunnel.close();
  await ports.ops.close();
  await database.close();
}
