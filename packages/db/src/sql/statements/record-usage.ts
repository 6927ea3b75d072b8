import { statement } from "../statement.ts";

export interface UsageRow {
  is_duplicate: boolean;
  posted_bytes: bigint;
  balances: { clientId: string; balanceBytes: string }[];
  unknown_sessions: string[];
}

/** One statement is one transaction: sessions, hours, ledger and balances change together or not at all (prisma/migrations, usage_flush). */
export const recordUsage = statement<UsageRow>(
  "record-usage",
  `SELECT is_duplicate, posted_bytes, balances, unknown_sessions
   FROM usage_flush($1, $2, $3, $4::timestamptz, $5, $6::jsonb, $7::text[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::timestamptz[], $12::text[])`,
);
