import { statement } from "../statement.ts";

/**
 * A gateway that starts holds no connections yet: what the database shows as open under its name broke off with the run
 * before. The time of the last report is the last moment at which the session is known to have lived.
 */
export const closeOrphanSessions = statement(
  "close-orphan-sessions",
  `UPDATE proxy_session SET closed_at = greatest(updated_at, opened_at), close_reason = 'gateway_lost'
   WHERE gateway_id = $1 AND closed_at IS NULL AND opened_at < to_timestamp($2::bigint / 1000.0)`,
);
