import { statement } from "../statement.ts";

/**
 * Node, key, receipt, used code and audit row in one statement. The key comes first: when its fingerprint is known,
 * nothing is inserted and no row comes back. The foreign key from key to node is checked when the statement ends.
 */
export const insertEnrolledNode = statement<{ node_id: string }>(
  "insert-enrolled-node",
  `WITH fresh_key AS (
     INSERT INTO node_key (id, node_id, algorithm, public_key, fingerprint) VALUES ($2, $1, $8, $9, $10)
     ON CONFLICT (fingerprint) DO NOTHING RETURNING node_id
   ), fresh_node AS (
     INSERT INTO node (id, operator_id, label, platform, model, agent_version, is_demo)
     SELECT k.node_id, $3, $4, $5, $6, $7, $11 FROM fresh_key AS k RETURNING id
   ), receipt AS (
     INSERT INTO consent_receipt (id, node_id, version, text_sha256, accepted_at, signature)
     SELECT $12, n.id, $13, $14, $15, $16 FROM fresh_node AS n
   ), used AS (
     UPDATE enrolment_token SET used_at = now(), used_by_node_id = $1 WHERE id = $17 AND EXISTS (SELECT FROM fresh_node)
   ), audited AS (
     INSERT INTO audit_log (actor_id, actor_role, action, subject_id, detail)
     SELECT n.id, 'node', 'node.enrol', n.id, jsonb_build_object('operatorId', $3::text, 'keyId', $2::text, 'tokenId', $17::text, 'consentVersion', $13::text) FROM fresh_node AS n
   )
   SELECT id AS node_id FROM fresh_node`,
);
