import { UsageRefusedError, type SessionCounter, type UsageBatch, type UsageReceipt } from "@karvon/billing";
import type { Pool } from "pg";
import { cleanText, instant, instantOrNull, plainArray } from "./clean.ts";
import { run } from "./statement.ts";
import * as statements from "./statements/index.ts";
import { writeReport } from "./usage-report.ts";

/** Posts one batch; see usage_flush in prisma/migrations for what the database does with it. */
export async function recordUsage(pool: Pool, batch: UsageBatch, onError: (cause: unknown) => void): Promise<UsageReceipt> {
  const { opened, counters, sha256 } = writeReport(batch, onError);
  const values = [
    batch.gatewayId,
    batch.epoch,
    batch.seq,
    instant(batch.sampledAtMs),
    sha256,
    opened,
    // Ids, times and numbers need no quotes; a library that looks at every element costs more than the rest of the flush.
    plainArray(counters.map((counter) => counter.id)),
    plainArray(counters.map((counter) => instant(counter.openedAtMs))),
    plainArray(counters.map((counter) => counter.upBytes)),
    plainArray(counters.map((counter) => counter.downBytes)),
    plainArray(counters.map((counter) => instantOrNull(counter.closedAtMs))),
    closeReasons(counters),
  ];
  try {
    const [row] = await run(pool, statements.recordUsage, values);
    if (row === undefined) throw new Error("usage_flush answered nothing");
    return toReceipt(row);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new UsageRefusedError(`the database refuses the batch for good: ${cause.message}`, { cause });
  }
}

export function toReceipt(row: statements.UsageRow): UsageReceipt {
  return {
    balances: row.balances.map(({ clientId, balanceBytes }) => ({ clientId, balanceBytes: BigInt(balanceBytes) })),
    postedBytes: row.posted_bytes,
    duplicate: row.is_duplicate,
    unknownSessionIds: row.unknown_sessions,
  };
}

/**
 * Reasons that stay whatever time passes: data that is no data (class 22), a constraint (23), a function of ours that objects
 * (P0001, KV004). Not a deadlock, a full disk, a time limit or a connection. The same list as in usage_flush_apart.
 */
const refusals = /^(?:22|23)|^P0001$|^KV004$/;

function isRefusal(cause: unknown): cause is Error {
  return cause instanceof Error && refusals.test(String(Reflect.get(cause, "code") ?? ""));
}

/** Most counters are of sessions that go on: only real reasons need the library's quotes. */
function closeReasons(counters: readonly SessionCounter[]): string | (string | null)[] {
  const reasons = counters.map(({ closeReason }) => (closeReason === undefined ? null : cleanText(closeReason)));
  return reasons.every((reason) => reason === null) ? plainArray(reasons) : reasons;
}
