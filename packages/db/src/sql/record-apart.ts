import type { UsageBatch, UsageReceipt } from "@karvon/billing";
import type { Pool } from "pg";
import { cleanText, instant, instantOrNull } from "./clean.ts";
import { inTransaction } from "./pool.ts";
import { toReceipt } from "./record-usage.ts";
import * as statements from "./statements/index.ts";
import { writeReport, type UsageReport } from "./usage-report.ts";

/** Ten thousand sessions that are all refused take about a minute to be told apart. */
const apartTimeoutMs = 300_000;
/** Longer than the server's own limit: it strikes only when the server does not answer at all. */
const answerTimeoutMs = apartTimeoutMs + 5_000;

/** Posts what can be posted of a batch that was refused and keeps the rest as dead letters; see usage_flush_apart in prisma/migrations. */
export async function recordApart(pool: Pool, batch: UsageBatch, onError: (cause: unknown) => void): Promise<UsageReceipt> {
  const report = writeReport(batch, onError);
  const texts = textBySession(report);
  const values = [
    batch.gatewayId,
    batch.epoch,
    batch.seq,
    instant(batch.sampledAtMs),
    report.sha256,
    [...texts.keys()],
    [...texts.values()].map((parts) => JSON.stringify(parts)),
  ];
  const { name, text } = statements.recordApart;
  const result = await inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${apartTimeoutMs}`);
    return client.query<statements.ApartRow>(Object.assign({ name, text, values }, { query_timeout: answerTimeoutMs }));
  });
  const [row] = result.rows;
  if (row === undefined) throw new Error("usage_flush_apart answered nothing");
  return { ...toReceipt(row), deadSessionIds: row.dead_sessions };
}

interface SessionReport {
  opened: unknown;
  counter: unknown;
}

/** Everything that the batch says of a session stands or falls together. */
function textBySession({ openedRows, counters }: UsageReport): Map<string, SessionReport> {
  const sessions = new Map<string, SessionReport>();
  for (const opened of openedRows) sessions.set(opened.id, { opened, counter: null });
  for (const { id, openedAtMs, upBytes, downBytes, closedAtMs, closeReason } of counters) {
    const times = { openedAt: instant(openedAtMs), closedAt: instantOrNull(closedAtMs) };
    const counter = { id, ...times, up: upBytes, down: downBytes, closeReason: closeReason === undefined ? null : cleanText(closeReason) };
    sessions.set(id, { opened: sessions.get(id)?.opened ?? null, counter });
  }
  return sessions;
}
