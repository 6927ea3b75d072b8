/**
 * The composition root of the data plane: its parts in the order in which they are made; close-proxy.ts closes them.
 *
 * `startProxy` resolves when every port serves and rejects when the gateway must not (database away or not durable, a
 * port taken). Closing takes no new work, lets open sessions finish for `drainMs`, posts the last bytes and marks the
 * nodes offline; it loses nothing that was carried unless the ledger stays away for 10 s. Retiring (retire.ts) is closing
 * beside a successor: nodes move first and nobody is refused.
 */
import { type GatewayDatabase, openGatewayDatabase } from "@karvon/db/sql";
import { closeProxy, type ProxyParts } from "./close-proxy.ts";
import { createCore } from "./compose-core.ts";
import { createFleet } from "./compose-fleet.ts";
import { createMeter } from "./compose-meter.ts";
import { createControlWatch } from "./control/control-watch.ts";
import { keepHouse } from "./keep-house.ts";
import { openPorts } from "./open-ports.ts";
import type { ProxyOptions } from "./proxy-options.ts";
import { noJournal, openUsageJournal, type UsageJournal } from "./radar/usage-journal.ts";
import { retire } from "./retire.ts";

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

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const database = openGatewayDatabase({
    url: options.databaseUrl,
    onError: (cause) => options.log.warn({ event: "database.error", cause }),
  });
  try {
    await database.assertDurable();
    await database.ensurePartitions();
    return await startWithJournal(options, database);
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

async function startWithJournal(options: ProxyOptions, database: GatewayDatabase): Promise<RunningProxy> {
  const journal = options.journal === undefined ? noJournal : await openUsageJournal(options.journal, options.identity, options.log);
  try {
    return runningProxy(await composeProxy(options, database, journal));
  } catch (cause) {
    await journal.close();
    throw cause;
  }
}

async function composeProxy(options: ProxyOptions, database: GatewayDatabase, journal: UsageJournal): Promise<ProxyParts> {
  const core = createCore(options, database, journal);
  const fleet = createFleet({
    ...core,
    pressure: core.load.memory,
    beforeRelease: journal.beforeRelease,
    random: Math.random,
    onPorts: (ports) => core.own.add(...ports),
    locate: options.locate,
    onRetire: () => options.onRetire?.(),
  });
  const meter = createMeter(core);
  const control = createControlWatch({
    ...core,
    recheckNode: (node) => fleet.tunnels.recheck(node),
    enforce() {
      meter.ticker.enforce();
      core.quotas.recap();
      core.quotas.reconsider(() => true);
    },
  });
  const ports = await openPorts({ core, fleet, meter, control }).catch(async (cause: unknown) => {
    await meter.flusher.close().catch(core.onFault);
    throw cause;
  });
  const house = keepHouse({
    ...core,
    pocket: fleet.pocket,
    countSessions: () => core.sessions.openCount,
    countSessionsOpened: () => core.state.sessionsOpened,
    // Not before everything that an earlier run carried is posted.
    releaseQuotas: async () => void (meter.flusher.lagMs === 0 && (await core.quotas.release(options.identity.epoch - 1n))),
  });
  meter.ticker.start();
  core.quotas.start();
  core.load.memory.start();
  core.membership?.declare("serving");
  return { core, fleet, meter, control, ports, house };
}

function runningProxy(parts: ProxyParts): RunningProxy {
  const { core, fleet, meter, ports } = parts;
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= closeProxy(parts));
  return {
    proxyPort: ports.gateway.port,
    tunnelPort: ports.tunnel.port,
    opsPort: ports.ops.port,
    gatewayId: core.gatewayId,
    noteFault: () => void (core.state.faults += 1),
    flushNow: () => meter.flusher.flushNow(),
    async retire() {
      await retire({
        ...ports,
        log: core.log,
        announce: () => fleet.siblings?.retire(),
        stopKeepAlive: () => (core.state.isLeaving = true),
        tunnels: fleet.tunnels,
        countNodes: () => core.directory.size,
        countSessions: () => core.sessions.openCount + (fleet.siblings?.links.servedStreams ?? 0),
      });
      await close();
    },
    close,
  };
}
