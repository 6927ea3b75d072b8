import { statement } from "../statement.ts";
import type { KeyAlgorithmName, NodeStatusName, TrustTierName } from "../types.ts";

export interface NodeAuthRow {
  node_id: string;
  operator_id: string;
  label: string;
  status: NodeStatusName;
  operator_active: boolean;
  key_id: string;
  algorithm: KeyAlgorithmName;
  public_key: Buffer;
  session_seq: bigint;
  is_demo: boolean;
  trust_tier: TrustTierName;
}

/** A revoked key finds nothing, like a key that never was: the answer must not tell them apart. */
export const findNodeForAuth = statement<NodeAuthRow>(
  "find-node-for-auth",
  `SELECT n.id AS node_id, n.operator_id, n.label, n.status, o.status = 'active' AND a.status = 'active' AS operator_active,
     k.id AS key_id, k.algorithm, k.public_key, k.session_seq, n.is_demo, n.trust_tier
   FROM node_key AS k JOIN node AS n ON n.id = k.node_id JOIN operator AS o ON o.id = n.operator_id JOIN user_account AS a ON a.id = o.user_id
   WHERE n.id = $1 AND k.id = $2 AND k.revoked_at IS NULL`,
);
