import { statement } from "../statement.ts";
import type { UsageRow } from "./record-usage.ts";

export interface ApartRow extends UsageRow {
  dead_sessions: string[];
}

/** See usage_flush_apart in prisma/migrations. */
export const recordApart = statement<ApartRow>(
  "record-apart",
  `SELECT is_duplicate, posted_bytes, balances, unknown_sessions, dead_sessions
   FROM usage_flush_apart($1, $2, $3, $4::timestamptz, $5, $6::text[], $7::text[])`,
);
