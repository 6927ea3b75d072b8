/** What the ledger says of sessions beside what their clients and targets counted, both ways, each session by itself. */
import { until } from "@karvon/testkit";
import type { CountingTarget } from "./counting-target.ts";
import type { LoadClient } from "./load-client.ts";

export interface Comparison {
  readonly sessions: number;
  /** What clients and targets received. */
  readonly deliveredBytes: number;
  /** Received and not billed. */
  readonly underBilledBytes: number;
  /** Billed and not received: what was on its way when somebody was killed. */
  readonly undeliveredBytes: number;
  /** Billed and never even sent. */
  readonly overBilledBytes: number;
}

interface Pool {
  query(text: string, values: unknown[]): Promise<{ rows: { id: string; up_bytes: bigint; down_bytes: bigint }[] }>;
}

/** Resolves when every session is in the ledger with its end. */
export async function compareWithLedger(pool: Pool, target: CountingTarget, clients: readonly LoadClient[]): Promise<Comparison> {
  const ids = clients.map(({ sessionId }) => sessionId);
  const select = "SELECT id, up_bytes, down_bytes FROM proxy_session WHERE id = ANY($1) AND closed_at IS NOT NULL";
  const rows = await until(
    async () => {
      const found = (await pool.query(select, [ids])).rows;
      return found.length === ids.length ? found : null;
    },
    { what: "every session in the ledger", timeoutMs: 15_000 },
  );
  const billed = new Map(rows.map((row) => [row.id, row]));
  const sums = { deliveredBytes: 0, underBilledBytes: 0, undeliveredBytes: 0, overBilledBytes: 0 };
  for (const client of clients) {
    const row = billed.get(client.sessionId);
    const down = { received: client.receivedBytes, sent: target.sentBytes(client.name), billed: Number(row?.down_bytes) };
    const up = { received: target.receivedBytes(client.name), sent: client.sentBytes, billed: Number(row?.up_bytes) };
    for (const way of [down, up]) {
      sums.deliveredBytes += way.received;
      sums.underBilledBytes += Math.max(0, way.received - way.billed);
      sums.undeliveredBytes += Math.max(0, way.billed - way.received);
      sums.overBilledBytes += Math.max(0, way.billed - way.sent);
    }
  }
  return { sessions: clients.length, ...sums };
}

/** Of several rounds together. */
export function addUp(rounds: readonly Comparison[]): Comparison {
  const sum = (name: keyof Comparison): number => rounds.reduce((total, round) => total + round[name], 0);
  return {
    sessions: sum("sessions"),
    deliveredBytes: sum("deliveredBytes"),
    underBilledBytes: sum("underBilledBytes"),
    undeliveredBytes: sum("undeliveredBytes"),
    overBilledBytes: sum("overBilledBytes"),
  };
}
