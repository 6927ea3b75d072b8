/** What every part of the data plane shares: the options, the stores, the bounds, and the few figures that change. */
import { systemClock } from "@karvon/billing";
import type { GatewayDatabase } from "@karvon/db/sql";
import type { EgressAllow, Prefix } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import { countPorts, listPorts } from "./gateway/open-client-ports.ts";
import { createLoad, type Load } from "./load/gateway-load.ts";
import { readEgressAllow, readPrefixes } from "./network-options.ts";
import { clientPortsOf, type ProxyOptions } from "./proxy-options.ts";
import { QuotaKeeper } from "./quota/quota-keeper.ts";
import { createSessionLog, type SessionLog } from "./radar/session-log.ts";
import type { RadarTick } from "./radar/ticker.ts";
import type { UsageJournal } from "./radar/usage-journal.ts";
import { createNodeDirectory, type NodeDirectory } from "./router/node-directory.ts";
import { createQualityBook, type QualityBook } from "./router/quality-book.ts";
import { shareDirectory } from "./router/shared-directory.ts";
import { createStickySessions, type StickySessions } from "./router/sticky-sessions.ts";
import { type Accounts, createAccounts } from "./session/accounts.ts";
import { type BlockRules, createBlockRules } from "./session/block-rules.ts";
import { createCredentials, type Credentials } from "./session/credentials.ts";
import { createOwnEndpoints, databasePorts, type OwnEndpoints } from "./session/own-endpoints.ts";
import { createRefusalLog, type RefusalLog } from "./session/refusal-log.ts";
import { createSharedCounts, type SharedCounts } from "./session/shared-count.ts";
import type { Membership } from "./siblings/membership.ts";
import type { LiveNode } from "./tunnel/live-node.ts";

export interface Core {
  readonly options: ProxyOptions;
  readonly gatewayId: string;
  /** Null for a process that is alone. */
  readonly membership: Membership | null;
  readonly database: GatewayDatabase;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly accounts: Accounts;
  readonly sessions: SessionLog;
  readonly journal: UsageJournal;
  readonly quotas: QuotaKeeper;
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
  readonly state: CoreState;
  readonly onFault: (cause: unknown) => void;
}

export interface CoreState {
  /** Nobody new is admitted. */
  isDraining: boolean;
  /** Kept connections end with their next answer. */
  isLeaving: boolean;
  faults: number;
  /** Since the start. */
  sessionsOpened: number;
  publish: (tick: RadarTick) => void;
}

const unpostedSessionsMax = 100_000;

export function createCore(options: ProxyOptions, database: GatewayDatabase, journal: UsageJournal): Core {
  const { log, identity, membership = null } = options;
  const nowMs = Date.now;
  const monotonicMs = performance.now.bind(performance);
  const accounts = createAccounts(nowMs);
  const sessions = createSessionLog({ nowMs, monotonicMs, unpostedSessionsMax, journal: journal.journal });
  journal.onBroken(() => {
    for (const session of sessions.listOpen()) session.line.cut("journal_unavailable");
  });
  const here = createNodeDirectory<LiveNode>(monotonicMs);
  const everywhere = membership === null ? null : createNodeDirectory<LiveNode>(monotonicMs);
  const egressAllow = readEgressAllow(options.egressAllow);
  const shared = createSharedCounts();
  const clientPorts = clientPortsOf(options);
  const load = createLoad(options.load ?? {}, {
    timeouts: options.timeouts ?? {},
    portsOpen: countPorts(clientPorts),
    sessions,
    egressAllow,
    shared,
    countTunnels: () => here.size,
    monotonicMs,
    log,
  });
  const own = createOwnEndpoints(monotonicMs);
  own.add(...listPorts(clientPorts), ...databasePorts(options.databaseUrl), ...(options.ownPorts ?? []));
  const state: CoreState = { isDraining: false, isLeaving: false, faults: 0, sessionsOpened: 0, publish: () => undefined };
  return {
    options,
    gatewayId: identity.id,
    membership,
    database,
    log,
    nowMs,
    monotonicMs,
    accounts,
    sessions,
    journal,
    quotas: new QuotaKeeper({
      database,
      gatewayId: identity.id,
      epoch: identity.epoch,
      accounts,
      sessions,
      log,
      monotonicMs,
      setTimer: (delayMs, run) => systemClock.setTimer(delayMs, run),
    }),
    refusals: createRefusalLog({ gatewayId: identity.id, log, nowMs, linesPerSecond: options.refusalLinesPerSecond }),
    credentials: createCredentials({ database, accounts, nowMs }),
    directory: everywhere === null ? here : shareDirectory(here, everywhere),
    everywhere,
    qualities: createQualityBook(monotonicMs),
    sticky: createStickySessions({ nowMs, writer: membership?.id ?? 0 }),
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
