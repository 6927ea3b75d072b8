import { statement } from "../statement.ts";

export interface QuotaTakenRow {
  granted: bigint;
  used: bigint;
  short_of: "balance" | "limit" | "day" | "month" | "wallet" | "spending_cap" | null;
  opens_at: Date | null;
  /** On the database's clock: nobody else's may tell when a day is over. */
  opens_in_ms: number | null;
  is_final: boolean;
}

const columns = `granted, used, short_of, opens_at, extract(epoch FROM opens_at - karvon_cap_clock())::float8 * 1000 AS opens_in_ms, is_final`;

/** See quota_take in prisma/migrations. */
export const takeQuota = statement<QuotaTakenRow>(
  "take-quota",
  `SELECT ${columns} FROM quota_take($1, $2, $3, $4::bigint, $5::bigint, $6::bigint, $7::bigint)`,
);

/** See tag_take in prisma/migrations. */
export const takeTagQuota = statement<QuotaTakenRow>(
  "take-tag-quota",
  `SELECT ${columns} FROM tag_take($1, $2, $3, $4::bigint, $5::bigint, $6::bigint, $7::bigint)`,
);
