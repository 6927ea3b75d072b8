import { statement } from "../statement.ts";

export interface ProxyUserRow {
  proxy_user_id: string;
  client_id: string;
  username: string;
  secret_hash: Buffer;
  is_enabled: boolean;
  is_client_active: boolean;
  is_kyc_missing: boolean;
  countries: string[];
  allowed_sources: string[];
  allowed_hosts: string[];
  concurrency_max: number | null;
  client_concurrency_max: number;
  traffic_limit_bytes: bigint | null;
  used_bytes: bigint;
  caps: string;
  tag_caps: string;
  price_id: string;
  balance_bytes: bigint;
  wallet_bytes: bigint;
  interim_credit_bytes: bigint;
}

/**
 * Everything that admission needs in one round trip. A client without a price of its own pays the newest listed one;
 * a client that has never bought has no account yet, which is a balance of zero.
 */
export const findProxyUser = statement<ProxyUserRow>(
  "find-proxy-user",
  `SELECT u.id AS proxy_user_id, u.client_id, u.username, u.secret_hash, u.status = 'active' AS is_enabled,
     c.status = 'active' AND o.status = 'active' AS is_client_active, c.kyc_required AND c.kyc_tier = 0 AS is_kyc_missing,
     c.countries, u.allowed_sources, u.allowed_hosts,
     u.concurrency_max, c.concurrency_max AS client_concurrency_max, u.traffic_limit_bytes, u.used_bytes,
     concat(u.traffic_limit_bytes, ',', u.day_limit_bytes, ',', u.month_limit_bytes) AS caps,
     coalesce((SELECT string_agg(concat(t.tag, '=', t.total_limit_bytes, ',', t.day_limit_bytes, ',', t.month_limit_bytes), ' ' ORDER BY t.tag)
       FROM tag_cap AS t WHERE t.client_id = u.client_id), '') AS tag_caps,
     coalesce(c.price_id, (SELECT p.id FROM price AS p WHERE p.is_listed AND p.valid_from <= now() ORDER BY p.valid_from DESC, p.id DESC LIMIT 1)) AS price_id,
     coalesce((SELECT a.posted - a.reserved FROM ledger_account AS a WHERE a.kind = 'client_bytes' AND a.owner_id = u.client_id AND a.shard = 0), 0) AS balance_bytes,
     CASE WHEN c.is_pay_as_you_go THEN (wallet_state(c.id)).spendable_bytes ELSE 0 END AS wallet_bytes,
     c.interim_credit_bytes
   FROM proxy_user AS u JOIN client AS c ON c.id = u.client_id JOIN user_account AS o ON o.id = c.user_id
   WHERE u.username = $1`,
);
