/** A batch as usage_flush and usage_flush_apart take it. */
import { createHash } from "node:crypto";
import type { SessionCounter, SessionFacts, UsageBatch } from "@karvon/billing";
import { cleanText, instant, whole } from "./clean.ts";

export interface UsageReport {
  /** The facts of the sessions that opened, in the order of the batch. */
  readonly openedRows: readonly OpenedRow[];
  /** The same as JSON. */
  readonly opened: string;
  readonly counters: readonly SessionCounter[];
  /** Names the content: the same batch sent again has the same hash, in either way; another content under its name has not. */
  readonly sha256: Buffer;
}

export function writeReport(batch: UsageBatch, onError: (cause: unknown) => void): UsageReport {
  const counters = batch.counters.filter((counter) => {
    const isCount =
      Number.isSafeInteger(counter.upBytes) && Number.isSafeInteger(counter.downBytes) && counter.upBytes >= 0 && counter.downBytes >= 0;
    // A broken counter is our own mistake in one session; it must not hold up the charges of all the others.
    if (!isCount) onError(new Error(`the counters of session ${counter.id} are not byte counts; left out of the batch`));
    return isCount;
  });
  const openedRows = batch.opened.map(openedRow);
  const opened = JSON.stringify(openedRows);
  return { openedRows, opened, counters, sha256: hashOf(opened, counters) };
}

export type OpenedRow = ReturnType<typeof openedRow>;

/** Written out field by field: a batch has thousands, and only texts from outside can hold what PostgreSQL refuses. */
function openedRow(facts: SessionFacts) {
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

function cleanOrNull(text: string | null): string | null {
  return text === null ? null : cleanText(text);
}

function hashOf(opened: string, counters: readonly SessionCounter[]): Buffer {
  let text = "";
  for (const counter of counters) {
    text += `\n${counter.id} ${counter.openedAtMs} ${counter.upBytes} ${counter.downBytes} ${counter.closedAtMs ?? ""} ${counter.closeReason ?? ""}`;
  }
  return createHash("sha256").update(opened).update(text).digest();
}
