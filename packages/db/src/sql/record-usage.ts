import { createHash } from "node:crypto";
import type { SessionCounter, SessionFacts, UsageBatch, UsageReceipt } from "@karvon/billing";
import type { Pool } from "pg";
import { cleanText, instant, instantOrNull, plainArray, whole } from "./clean.ts";
import { run } from "./statement.ts";
import * as statements from "./statements/index.ts";

/** Posts one batch; see usage_flush in prisma/migrations for what the database does with it. */
export async function recordUsage(pool: Pool, batch: UsageBatch, onError: (cause: unknown) => void): Promise<UsageReceipt> {
  const counters = batch.counters.filter((counter) => {
    const isCount =
      Number.isSafeInteger(counter.upBytes) && Number.isSafeInteger(counter.downBytes) && counter.upBytes >= 0 && counter.downBytes >= 0;
    // A broken counter is our own mistake in one session; it must not hold up the charges of all the others.
    if (!isCount) onError(new Error(`the counters of session ${counter.id} are not byte counts; left out of the batch`));
    return isCount;
  });
  const opened = JSON.stringify(batch.opened.map(openedRow));
  const [row] = await run(pool, statements.recordUsage, [
    batch.gatewayId,
    batch.epoch,
    batch.seq,
    instant(batch.sampledAtMs),
    payloadHash(opened, counters),
    opened,
    // Ids, times and numbers need no quotes; a library that looks at every element costs more than the rest of the flush.
    plainArray(counters.map((counter) => counter.id)),
    plainArray(counters.map((counter) => instant(counter.openedAtMs))),
    plainArray(counters.map((counter) => counter.upBytes)),
    plainArray(counters.map((counter) => counter.downBytes)),
    plainArray(counters.map((counter) => instantOrNull(counter.closedAtMs))),
    closeReasons(counters),
  ]);
  if (row === undefined) throw new Error("usage_flush answered nothing");
  return {
    balances: row.balances.map(({ clientId, balanceBytes }) => ({ clientId, balanceBytes: BigInt(balanceBytes) })),
    postedBytes: row.posted_bytes,
    duplicate: row.is_duplicate,
    unknownSessionIds: row.unknown_sessions,
  };
}

/** Written out field by field: a batch has thousands, and only texts from outside can hold what PostgreSQL refuses. */
function openedRow(facts: SessionFacts): unknown {
  return {
    id: facts.id,
    openedAt: instant(facts.openedAtMs),
    clientId: facts.clientId,
    proxyUserId: facts.proxyUserId,
    operatorId: facts.operatorId,
    nodeId: facts.nodeId,
    priceId: facts.priceId,
    protocol: facts.protocol,
    targetHost: cleanText(facts.targetHost),
    targetPort: whole(facts.targetPort) ?? 0,
    clientAddress: cleanOrNull(facts.clientAddress),
    hasPassword: facts.hasPassword,
    exitAddress: cleanOrNull(facts.exitAddress),
    exitCountry: cleanOrNull(facts.exitCountry),
    exitCity: cleanOrNull(facts.exitCity),
    exitAsn: whole(facts.exitAsn),
    connectionType: facts.connectionType,
    stickySession: cleanOrNull(facts.stickySession),
    tag: cleanOrNull(facts.tag),
    connectMs: whole(facts.connectMs),
    failedAttempts: facts.failedAttempts,
  };
}

/** Most counters are of sessions that go on: only real reasons need the library's quotes. */
function closeReasons(counters: readonly SessionCounter[]): string | (string | null)[] {
  const reasons = counters.map(({ closeReason }) => (closeReason === undefined ? null : cleanText(closeReason)));
  return reasons.every((reason) => reason === null) ? plainArray(reasons) : reasons;
}

function cleanOrNull(text: string | null): string | null {
  return text === null ? null : cleanText(text);
}

/** Names the content of a batch: the same batch sent again has the same hash, another content under its name has not. */
function payloadHash(opened: string, counters: readonly SessionCounter[]): Buffer {
  let text = "";
  for (const counter of counters) {
    text += `\n${counter.id} ${counter.openedAtMs} ${counter.upBytes} ${counter.downBytes} ${counter.closedAtMs ?? ""} ${counter.closeReason ?? ""}`;
  }
  return createHash("sha256").update(opened).update(text).digest();
}
