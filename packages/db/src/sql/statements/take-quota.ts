import { statement } from "../statement.ts";

export interface QuotaTakenRow {
  granted: bigint;
  used: bigint;
  short_of: "balance" | "limit" | null;
  is_final: boolean;
}

/** See quota_take in prisma/migrations. */
export const takeQuota = statement<QuotaTakenRow>(
  "take-quota",
  `SELECT granted, used, short_of, is_final FROM quota_take($1, $2, $3, $4::bigint, $5::bigint, $6::bigint, $7::bigint)`,
);
