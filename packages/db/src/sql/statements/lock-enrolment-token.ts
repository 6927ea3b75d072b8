import { statement } from "../statement.ts";

export interface EnrolmentTokenRow {
  id: string;
  label: string | null;
  operator_id: string;
  operator_name: string;
  is_demo: boolean;
  is_used: boolean;
  is_expired: boolean;
  is_operator_active: boolean;
}

/** Locked until the enrolment commits: two devices with one code cannot both join. */
export const lockEnrolmentToken = statement<EnrolmentTokenRow>(
  "lock-enrolment-token",
  `SELECT t.id, t.label, t.operator_id, coalesce(a.display_name, a.email) AS operator_name, t.is_demo OR o.is_demo AS is_demo,
     t.used_at IS NOT NULL AS is_used, t.expires_at <= now() AS is_expired, o.status = 'active' AND a.status = 'active' AS is_operator_active
   FROM enrolment_token AS t JOIN operator AS o ON o.id = t.operator_id JOIN user_account AS a ON a.id = o.user_id
   WHERE t.token_hash = $1 FOR UPDATE OF t`,
);
