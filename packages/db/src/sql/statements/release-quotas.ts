import { statement } from "../statement.ts";

/** See quota_release in prisma/migrations. */
export const releaseQuotas = statement<{ settled: bigint; lost: bigint }>(
  "release-quotas",
  `SELECT settled, lost FROM quota_release($1, $2::bigint)`,
);

/** See tag_release in prisma/migrations. A statement of its own: its locks are held together with no account's. */
export const releaseTagQuotas = statement<{ ended: bigint }>("release-tag-quotas", `SELECT tag_release($1, $2::bigint) AS ended`);
