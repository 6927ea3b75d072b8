/** The gateway's figures under their Prometheus names. docs/operations.md describes each. */
import { PROXY_ERRORS } from "@karvon/domain";
import { readdirSync } from "node:fs";
import type { Load } from "../load/gateway-load.ts";
import { memoryLevels } from "../load/memory-guard.ts";
import type { QuotaKeeper } from "../quota/quota-keeper.ts";
import type { SessionLog } from "../radar/session-log.ts";
import type { Ticker } from "../radar/ticker.ts";
import type { NodeDirectory } from "../router/node-directory.ts";
import type { RefusalLog } from "../session/refusal-log.ts";
import type { LiveNode } from "../tunnel/live-node.ts";
import type { Metric } from "./metrics.ts";

export interface MetricSources {
  readonly sessions: SessionLog;
  readonly refusals: RefusalLog;
  readonly directory: NodeDirectory<LiveNode>;
  readonly ticker: Ticker;
  readonly quotas: Pick<QuotaKeeper, "figures">;
  readonly flushLagMs: () => number;
  readonly countConnections: () => number;
  readonly countSessionsOpened: () => number;
  readonly countFaults: () => number;
  readonly countTunnelsTurnedAway: () => number;
  readonly load: Load;
  /** Whether this process keeps the named sessions of all. */
  readonly isLeader: boolean;
}

export function listMetrics(sources: MetricSources): Metric[] {
  const { sessions, refusals, directory, ticker } = sources;
  const cpu = process.cpuUsage();
  const quota = sources.quotas.figures;
  const codes: readonly string[] = Object.keys(PROXY_ERRORS);
  const counts: ReadonlyMap<string, number> = refusals.counts;
  return [
    gauge("karvon_sessions_open", "Proxied sessions open now.", sessions.openCount),
    counter("karvon_sessions_total", "Proxied sessions opened since the start.", sources.countSessionsOpened()),
    {
      name: "karvon_bytes_total",
      help: "Payload bytes carried, by direction; up is from the client.",
      type: "counter",
      samples: [
        { labels: { direction: "up" }, value: sessions.upBytes },
        { labels: { direction: "down" }, value: sessions.downBytes },
      ],
    },
    {
      name: "karvon_refusals_total",
      help: "Requests refused, by error code.",
      type: "counter",
      samples: codes.map((code) => ({ labels: { code }, value: counts.get(code) ?? 0 })),
    },
    counter(
      "karvon_refusals_dropped_total",
      "Refusals that the panels will not show because the database was away too long.",
      refusals.dropped,
    ),
    gauge("karvon_connections_open", "Client connections open now.", sources.countConnections()),
    gauge("karvon_tunnels", "Nodes connected now.", directory.size),
    gauge("karvon_nodes_serving", "Nodes that get sessions now.", directory.index.size),
    gauge("karvon_nodes_parked", "Serving nodes that are full or rest after failures.", directory.index.parked.size),
    gauge("karvon_leader", "1 in the gateway process that keeps the named sessions of all, 0 in the others.", sources.isLeader ? 1 : 0),
    gauge("karvon_flush_lag_seconds", "Age of the oldest usage that the ledger has not acknowledged.", sources.flushLagMs() / 1_000),
    gauge("karvon_unflushed_bytes", "Payload bytes that the ledger has not acknowledged.", sessions.unpostedBytes),
    gauge("karvon_quota_held_bytes", "Payload bytes that were granted and not carried yet.", quota.heldBytes),
    counter("karvon_quota_calls_total", "Calls about grants.", quota.calls),
    counter("karvon_quota_exhausted_total", "Times that a proxy user's bytes stopped because nothing was granted.", quota.exhausted),
    gauge("karvon_event_loop_lag_seconds", "How late the last one-second tick came.", ticker.loopLagMs / 1_000),
    gauge("karvon_event_loop_lag_max_seconds", "The latest tick since the last scrape.", ticker.takeLoopLagMaxMs() / 1_000),
    ...listLoadMetrics(sources.load, sessions),
    counter(
      "karvon_tunnels_turned_away_total",
      "Node connections sent away because the gateway was full.",
      sources.countTunnelsTurnedAway(),
    ),
    counter("karvon_faults_total", "Errors that nobody foresaw; each is in the log.", sources.countFaults()),
    counter("process_cpu_seconds_total", "CPU time used.", (cpu.user + cpu.system) / 1e6),
    gauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss()),
    gauge("process_open_fds", "Open file descriptors.", countDescriptors()),
    gauge("process_start_time_seconds", "Start time since the Unix epoch.", Math.round((Date.now() - process.uptime() * 1_000) / 1_000)),
  ];
}

function sumHeld(sessions: SessionLog): number {
  let bytes = 0;
  for (const session of sessions.listOpen()) bytes += session.stream.heldBytes;
  return bytes;
}

function listLoadMetrics({ memory, descriptors, tarpit }: Load, sessions: SessionLog): Metric[] {
  return [
    gauge("karvon_memory_budget_bytes", "Memory that the process may use before it sheds load.", memory.budgetBytes),
    gauge("karvon_memory_used_bytes", "Memory that counts against the budget.", memory.usedBytes),
    gauge("karvon_held_bytes", "Bytes that wait in the gateway for a reader, all sessions together.", sumHeld(sessions)),
    gauge("karvon_memory_level", "0 normal, 1 tight, 2 full, 3 critical.", memoryLevels.indexOf(memory.level)),
    counter("karvon_sessions_shed_total", "Sessions ended because memory was short.", memory.shedCount),
    gauge("karvon_connections_max", "Client connections that the descriptor budget allows.", descriptors.plan.clientsMax),
    gauge("karvon_tunnels_max", "Tunnels that the descriptor budget allows.", descriptors.plan.tunnelsMax),
    gauge("karvon_tarpit_parked", "Connections that wait for their answer because passwords were guessed.", tarpit.parked),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: "gauge", samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: "counter", samples: [{ value }] };
}

/** 0 where the system has no /proc. */
function countDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
