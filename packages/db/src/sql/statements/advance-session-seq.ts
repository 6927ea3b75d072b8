import { statement } from "../statement.ts";

/** Compare and set in one statement: of two devices with the same key and number, one gets through. */
export const advanceSessionSeq = statement<{ id: string }>(
  "advance-session-seq",
  `UPDATE node_key SET session_seq = $2 WHERE id = $1 AND session_seq < $2 AND revoked_at IS NULL RETURNING id`,
);
