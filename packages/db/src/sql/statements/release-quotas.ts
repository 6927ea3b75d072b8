import { statement } from "../statement.ts";

/** See quota_release in prisma/migrations. */
export const releaseQuotas = statement<{ settled: bigint; lost: bigint }>(
  "release-quotas",
  `SELECT settled, lost FROM quota_release($1, $2::bigint)`,
);
