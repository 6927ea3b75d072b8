/** Everything that keeps the gateway from taking more than it can carry, made from the options in one place. */
import type { EgressAllow } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import { DescriptorBudget, planDescriptors, readDescriptorLimit } from "../gateway/descriptor-budget.ts";
import { sourceShareMax, SourceLimits } from "../gateway/source-limits.ts";
import { Tarpit } from "../gateway/tarpit.ts";
import { defaultTimeouts, type GatewayTimeouts } from "../gateway/timeouts.ts";
import type { SessionLog } from "../radar/session-log.ts";
import type { SharedCounts } from "../session/shared-count.ts";
import { TargetLimits, targetSessionsMaxDefault, targetSessionsPerSecondDefault } from "../session/target-limits.ts";
import { collectGarbage, createMemoryGuard, defaultMemoryBudgetBytes, type MemoryGuard, readUsedMemoryBytes } from "./memory-guard.ts";

/** What is left out has its default; docs/limits.md lists them. */
export interface LoadOptions {
  /** Client connections held at once. */
  readonly connectionsMax?: number | undefined;
  readonly tunnelsMax?: number | undefined;
  /** Of one source, without good credentials. */
  readonly newcomersMax?: number | undefined;
  readonly newcomersPerSecond?: number | undefined;
  readonly newcomersBurst?: number | undefined;
  /** Of all clients to one registrable host; 0 is no limit. */
  readonly targetSessionsMax?: number | undefined;
  readonly targetSessionsPerSecond?: number | undefined;
  readonly targetBurst?: number | undefined;
  readonly memoryBudgetBytes?: number | undefined;
  /** Gateway processes on this machine, which share what is not set. */
  readonly processes?: number | undefined;
  /** Replaces the measurement. */
  readonly readUsedMemoryBytes?: (() => number) | undefined;
}

export interface Load {
  readonly descriptors: DescriptorBudget;
  readonly sources: SourceLimits;
  readonly targets: TargetLimits;
  readonly tarpit: Tarpit;
  readonly timeouts: GatewayTimeouts;
  readonly memory: MemoryGuard;
}

export interface LoadParts {
  readonly timeouts: Partial<GatewayTimeouts>;
  /** Listening sockets. */
  readonly portsOpen: number;
  readonly sessions: SessionLog;
  readonly egressAllow: EgressAllow;
  readonly shared: SharedCounts;
  readonly countTunnels: () => number;
  readonly monotonicMs: () => number;
  readonly log: Logger;
}

export function createLoad(options: LoadOptions, parts: LoadParts): Load {
  const { monotonicMs, log, sessions } = parts;
  const plan = planDescriptors(readDescriptorLimit() - parts.portsOpen);
  const clientsMax = options.connectionsMax ?? plan.clientsMax;
  const timeouts = { ...defaultTimeouts, ...parts.timeouts };
  const isMeasured = options.readUsedMemoryBytes === undefined;
  return {
    descriptors: new DescriptorBudget({ ...plan, clientsMax, tunnelsMax: options.tunnelsMax ?? plan.tunnelsMax }),
    sources: new SourceLimits({ ...options, openMax: Math.max(1, Math.floor(clientsMax * sourceShareMax)), monotonicMs }),
    targets: new TargetLimits({
      sessionsMax: options.targetSessionsMax ?? targetSessionsMaxDefault,
      sessionsPerSecond: options.targetSessionsPerSecond ?? targetSessionsPerSecondDefault,
      burst: options.targetBurst,
      egressAllow: parts.egressAllow,
      shared: parts.shared.targets,
      monotonicMs,
    }),
    tarpit: new Tarpit({ minMs: timeouts.tarpitMinMs, maxMs: timeouts.tarpitMaxMs, random: Math.random }),
    timeouts,
    memory: createMemoryGuard({
      budgetBytes: options.memoryBudgetBytes ?? defaultMemoryBudgetBytes(options.processes ?? 1),
      readUsedBytes: options.readUsedMemoryBytes ?? (() => readUsedMemoryBytes(parts.countTunnels)),
      collect: isMeasured ? collectGarbage : () => undefined,
      listSessions: () => sessions.listOpen(),
      monotonicMs,
      log,
    }),
  };
}
