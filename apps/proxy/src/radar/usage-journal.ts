/**
 * The gateway's journal and what earlier processes of this gateway left in theirs.
 *
 * In the mode "turn" every total is in the system's hands before the bytes leave: a killed process owes nothing. With
 * `tickMs` totals are written that often, and a killed process owes what moved since. "off" writes nothing; what was left
 * behind is still posted.
 */
import type { RecoveredUsage } from "@karvon/billing";
import { type DeadJournal, type Journal, openJournal, readDeadJournals, removeJournal } from "@karvon/journal";
import type { JournalMode } from "@karvon/settings";
import type { Logger } from "@karvon/telemetry";
import { join } from "node:path";
import type { GatewayIdentity } from "../gateway-identity.ts";
import { findOrphans, type OrphanLedger, ownFolder, postOrphan } from "./orphan-journals.ts";

export interface UsageJournalOptions {
  readonly mode: JournalMode;
  /** Every gateway has a folder of its own in it. */
  readonly directory: string;
  /** The usual size when left out. */
  readonly segmentBytes?: number;
}

export interface UsageJournal {
  /** Null when nothing is written. */
  readonly journal: Journal | null;
  /** To be called before counted bytes leave this process; null when nobody has to wait. */
  readonly beforeRelease: (() => void) | null;
  /** What dead processes of this gateway owe. */
  readonly recovered: readonly RecoveredUsage[];
  /** The ledger has all of `recovered`. */
  forgetRecovered(): void;
  /** Posts what dead processes of other gateways of this data folder owe. What fails is logged and left to the next start. */
  adoptOrphans(ledger: OrphanLedger): Promise<void>;
  /** Called when what open sessions carry can no longer be written down. */
  onBroken(listener: () => void): void;
  close(): Promise<void>;
}

/** For a gateway without a folder to write in. */
export const noJournal: UsageJournal = {
  journal: null,
  beforeRelease: null,
  recovered: [],
  forgetRecovered: () => undefined,
  adoptOrphans: () => Promise.resolve(),
  onBroken: () => undefined,
  close: () => Promise.resolve(),
};

export async function openUsageJournal(options: UsageJournalOptions, identity: GatewayIdentity, log: Logger): Promise<UsageJournal> {
  const { mode, segmentBytes } = options;
  const directory = join(options.directory, identity.id);
  const dead = findDead(directory, identity.epoch, log);
  if (mode !== "off") attempt(log, () => ownFolder(directory));
  const broken: { listener: (() => void) | null } = { listener: null };
  const journal =
    mode === "off"
      ? null
      : await openJournal({
          directory,
          gatewayId: identity.id,
          epoch: identity.epoch,
          nowMs: Date.now,
          onTrouble: (cause) => log.error({ event: "journal.trouble", cause }),
          onBroken(cause) {
            log.error({ event: "journal.broken", cause });
            broken.listener?.();
          },
          ...(segmentBytes === undefined ? {} : { segmentBytes }),
        });
  const timer = journal !== null && typeof mode === "object" ? setInterval(() => journal.commit(), mode.tickMs) : null;
  return {
    journal,
    beforeRelease: mode === "turn" && journal !== null ? () => journal.commit() : null,
    recovered: dead.map(({ lastAtMs, sample }) => ({ sampledAtMs: lastAtMs, sample })),
    forgetRecovered: () => dead.forEach(removeJournal),
    async adoptOrphans(ledger) {
      const orphans = attempt(log, () => findOrphans(options.directory, identity.id)) ?? [];
      for (const [at, orphan] of orphans.entries()) {
        await postOrphan(ledger, orphan, identity.epoch + BigInt(at)).catch((cause: unknown) =>
          log.error({ event: "journal.orphan-left", gateway: orphan.gatewayId, cause }),
        );
      }
    },
    onBroken: (listener) => (broken.listener = listener),
    async close() {
      if (timer !== null) clearInterval(timer);
      await journal?.close();
    },
  };
}

/** When the youngest session was opened that dead processes of a gateway have left to be posted; 0 without one. */
export function lastOpenedMs(directory: string, gatewayId: string, log: Logger): number {
  const dead = attempt(log, () => readDeadJournals(join(directory, gatewayId))) ?? [];
  return dead.flatMap(({ sample }) => sample.counters).reduce((last, { openedAtMs }) => Math.max(last, openedAtMs), 0);
}

/** A journal that cannot be read stays where it is for `karvon usage-recover`; the gateway serves all the same. */
function attempt<Answer>(log: Logger, work: () => Answer): Answer | null {
  try {
    return work();
  } catch (cause) {
    log.error({ event: "journal.unreadable", cause });
    return null;
  }
}

function findDead(directory: string, epoch: bigint, log: Logger): DeadJournal[] {
  const found = attempt(log, () => {
    const all = readDeadJournals(directory, epoch);
    const owing = all.filter(({ sample }) => sample.counters.length > 0);
    for (const journal of all) if (!owing.includes(journal)) removeJournal(journal);
    for (const { epoch: of, bytes, sample } of owing)
      log.info({ event: "journal.recovered", epoch: String(of), sessions: sample.counters.length, bytes });
    return owing;
  });
  return found ?? [];
}
