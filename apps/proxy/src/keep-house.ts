/**
 * The small regular chores: presence, refusals for the panels, forgetting what nobody uses, giving memory back, next month's partitions.
 *
 * Each runs alone and never twice at once; a chore that fails is logged and tried at its next turn.
 */
import type { GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import { IdleCollector } from "./load/idle-collector.ts";
import { collectGarbage } from "./load/memory-guard.ts";
import { type Pocket, presenceEveryMs } from "./pocket/pocket.ts";
import type { NodeDirectory } from "./router/node-directory.ts";
import type { StickySessions } from "./router/sticky-sessions.ts";
import type { Accounts } from "./session/accounts.ts";
import type { RefusalLog } from "./session/refusal-log.ts";
import type { LiveNode } from "./tunnel/live-node.ts";

export interface HouseOptions {
  readonly pocket: Pocket;
  readonly refusals: RefusalLog;
  readonly accounts: Accounts;
  readonly sticky: StickySessions;
  readonly directory: NodeDirectory<LiveNode>;
  readonly database: Pick<GatewayDatabase, "recordRefusals" | "ensurePartitions">;
  readonly log: Logger;
  /** Sessions that are open now. */
  readonly countSessions: () => number;
  /** Sessions opened since the start. */
  readonly countSessionsOpened: () => number;
  /** Frees byte grants of earlier runs and of gateways that are gone. */
  readonly releaseQuotas: () => Promise<void>;
}

const refusalsEveryMs = 2_000;
const sweepEveryMs = 5_000;
const parkedEveryMs = 500;
const idleEveryMs = 5_000;
const quotasEveryMs = 5_000;
const partitionsEveryMs = 12 * 3_600_000;

export interface House {
  /** Stops the chores, then writes what they had still to write. */
  close(): Promise<void>;
}

export function keepHouse(options: HouseOptions): House {
  const { database, refusals, log } = options;

  async function writeRefusals(): Promise<void> {
    const rows = refusals.take();
    if (rows.length === 0) return;
    try {
      await database.recordRefusals(rows);
    } catch (cause) {
      refusals.restore(rows);
      throw cause;
    }
  }
  async function sweep(): Promise<void> {
    options.accounts.sweep();
    options.sticky.sweep();
  }
  async function wakeParked(): Promise<void> {
    options.directory.sweep();
  }

  const idle = new IdleCollector({
    countOpen: options.countSessions,
    countWork: () => options.countSessionsOpened() + options.directory.size,
    collect: collectGarbage,
  });
  async function giveBack(): Promise<void> {
    idle.look();
  }

  const chores = [
    startChore("presence", presenceEveryMs, () => options.pocket.flush(), log),
    startChore("refusals", refusalsEveryMs, writeRefusals, log),
    startChore("sweep", sweepEveryMs, sweep, log),
    startChore("parked nodes", parkedEveryMs, wakeParked, log),
    startChore("idle memory", idleEveryMs, giveBack, log),
    startChore("quotas", quotasEveryMs, options.releaseQuotas, log),
    startChore("partitions", partitionsEveryMs, () => database.ensurePartitions(), log),
  ];
  return {
    async close() {
      for (const chore of chores) await chore.stop();
      await options.pocket.flush();
      await writeRefusals();
    },
  };
}

function startChore(what: string, everyMs: number, work: () => Promise<void>, log: Logger): { stop(): Promise<void> } {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= work()
      .catch((cause: unknown) => log.warn({ event: "house.chore-failed", what, cause }))
      .finally(() => {
        running = null;
      });
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
