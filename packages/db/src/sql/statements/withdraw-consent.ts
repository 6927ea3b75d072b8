import { statement } from "../statement.ts";

/**
 * The owner said stop: receipt, key, node and presence change together, an audit row says so, and every gateway hears it.
 * Doing it twice changes nothing and writes no second audit row. The key is revoked too: coming back takes a new enrolment.
 */
export const withdrawConsent = statement(
  "withdraw-consent",
  `WITH retired AS (
     UPDATE node SET status = 'retired', status_reason = 'The owner withdrew consent.', retired_at = now() WHERE id = $1 AND status <> 'retired' RETURNING id
   ), receipts AS (
     UPDATE consent_receipt SET withdrawn_at = greatest(now(), recorded_at) WHERE node_id = $1 AND withdrawn_at IS NULL
   ), keys AS (
     UPDATE node_key SET revoked_at = now() WHERE node_id = $1 AND revoked_at IS NULL
   ), presence AS (
     UPDATE node_presence SET state = 'offline', state_reason = 'consent withdrawn', gateway_id = NULL, connected_at = NULL, open_streams = 0 WHERE node_id = $1
   ), audited AS (
     INSERT INTO audit_log (actor_id, actor_role, action, subject_id) SELECT id, 'node', 'consent.withdraw', id FROM retired
   )
   SELECT karvon_notify('node', id) FROM retired`,
);
