import { statement } from "../statement.ts";

/** A commit must be on disk when it answers, or the ledger's word is worth nothing after a power cut. */
export const assertDurable = statement<{ fsync: string; synchronous_commit: string; full_page_writes: string }>(
  "assert-durable",
  `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, current_setting('full_page_writes') AS full_page_writes`,
);
