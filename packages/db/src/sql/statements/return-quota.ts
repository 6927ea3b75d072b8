import { statement } from "../statement.ts";

/** See quota_return in prisma/migrations. */
export const returnQuota = statement<{ returned: bigint }>(
  "return-quota",
  `SELECT returned FROM quota_return($1, $2, $3, $4::bigint, $5::bigint, $6::bigint)`,
);

/** See tag_return in prisma/migrations. */
export const returnTagQuota = statement<{ returned: bigint }>(
  "return-tag-quota",
  `SELECT returned FROM tag_return($1, $2, $3, $4::bigint, $5::bigint, $6::bigint)`,
);
