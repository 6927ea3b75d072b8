/** Stops a flush where a test wants it: behind everything that it has written, before the account from which it takes. */
import { until } from "@karvon/testkit";
import type { Fixtures } from "@karvon/testkit";

export interface HeldFlush {
  /** Resolves when a flush waits in the middle of its transaction. */
  reached(): Promise<void>;
  /** Lets it go on, if there is still a server. */
  release(): Promise<void>;
}

const lock = `SELECT FROM ledger_account WHERE kind = 'client_bytes' AND shard = 0
  AND owner_id = (SELECT client_id FROM proxy_user WHERE id = $1) FOR UPDATE`;
const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%usage_flush%'";

export async function holdFlush({ pool }: Fixtures, proxyUserId: string): Promise<HeldFlush> {
  const client = await pool.connect();
  // The pool does not listen while a connection is lent.
  client.on("error", ignoreError);
  await client.query("BEGIN");
  await client.query(lock, [proxyUserId]);
  return {
    async reached() {
      await until(async () => (await pool.query(waiting)).rowCount === 1, { what: "a flush in its transaction", timeoutMs: 10_000 });
    },
    async release() {
      await client.query("ROLLBACK").catch(ignoreError);
      client.release(true);
    },
  };
}

function ignoreError(): void {
  // Its server may have been ended on purpose.
}
