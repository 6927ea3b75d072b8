-- Source addresses without a password: each belongs to one client, and a client shows that it holds what it lists.

-- Trusted: who may create things in this database may add it. It lets one GiST constraint look at a network and at a text.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Whether a password was checked, or the source address stood for it. What was logged before is not known, so it shows nothing.
ALTER TABLE "proxy_session" ADD COLUMN     "has_password" BOOLEAN NOT NULL DEFAULT false;

-- The client stands beside the proxy user, so that a constraint can see it; the foreign key keeps the two together.
CREATE UNIQUE INDEX "proxy_user_id_client_id_key" ON "proxy_user"("id", "client_id");
ALTER TABLE "allowlist_entry" ADD COLUMN     "client_id" TEXT;
UPDATE "allowlist_entry" AS e SET "client_id" = u."client_id" FROM "proxy_user" AS u WHERE u."id" = e."proxy_user_id";
ALTER TABLE "allowlist_entry" ALTER COLUMN "client_id" SET NOT NULL;
ALTER TABLE "allowlist_entry" DROP CONSTRAINT "allowlist_entry_proxy_user_id_fkey";
ALTER TABLE "allowlist_entry" ADD CONSTRAINT "allowlist_entry_proxy_user_id_client_id_fkey" FOREIGN KEY ("proxy_user_id", "client_id") REFERENCES "proxy_user"("id", "client_id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- One block, one proxy user.
DROP INDEX "allowlist_entry_proxy_user_id_cidr_key";
CREATE UNIQUE INDEX "allowlist_entry_cidr_key" ON "allowlist_entry"("cidr");
CREATE INDEX "allowlist_entry_proxy_user_id_client_id_idx" ON "allowlist_entry"("proxy_user_id", "client_id");
ALTER TABLE "allowlist_entry" ADD CONSTRAINT "allowlist_entry_cidr_check" CHECK ("cidr" = network("cidr"));

-- The narrowest block that holds an address decides who pays, so blocks of two clients never overlap.
ALTER TABLE "allowlist_entry" ADD CONSTRAINT "allowlist_entry_one_client" EXCLUDE USING gist ("cidr" inet_ops WITH &&, "client_id" WITH <>);

-- As before, with the session's has_password.
CREATE OR REPLACE FUNCTION usage_flush(
  p_gateway text, p_epoch bigint, p_seq bigint, p_sampled_at timestamptz, p_payload_sha256 bytea, p_opened jsonb,
  p_ids text[], p_opened_at timestamptz[], p_up bigint[], p_down bigint[], p_closed_at timestamptz[], p_close_reason text[],
  OUT is_duplicate boolean, OUT posted_bytes bigint, OUT balances jsonb, OUT unknown_sessions text[]
) LANGUAGE plpgsql AS $$
DECLARE
  previous bytea;
  batch usage_batch;
  growth karvon_growth[];
  unpriced text;
  v_shard integer := (hashtext(p_gateway) & 15);
  v_hour timestamptz := to_timestamp(floor(extract(epoch FROM p_sampled_at) / 3600) * 3600);
BEGIN
  posted_bytes := 0;
  balances := '[]';
  unknown_sessions := '{}';
  is_duplicate := false;

  -- One report of a gateway at a time, in a chain: the row lock orders them.
  SELECT g.last_hash INTO previous FROM gateway AS g WHERE g.id = p_gateway FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'gateway % is not registered', p_gateway USING ERRCODE = 'foreign_key_violation';
  END IF;

  -- The name of the batch comes first, in the same transaction as its effects: a report whose answer was lost is known here.
  INSERT INTO usage_batch (gateway_id, epoch, seq, sampled_at, session_count) VALUES (p_gateway, p_epoch, p_seq, p_sampled_at, cardinality(p_ids))
  ON CONFLICT DO NOTHING RETURNING * INTO batch;
  IF batch.seq IS NULL THEN
    SELECT b.* INTO batch FROM usage_batch AS b WHERE b.gateway_id = p_gateway AND b.epoch = p_epoch AND b.seq = p_seq;
    IF batch.payload_sha256 IS DISTINCT FROM p_payload_sha256 THEN
      RAISE EXCEPTION 'USAGE_CONFLICT: batch % % % was posted with other content', p_gateway, p_epoch, p_seq USING ERRCODE = 'KV003';
    END IF;
    is_duplicate := true;
    RETURN;
  END IF;

  INSERT INTO proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port,
    client_address, exit_address, exit_country, exit_city, exit_asn, connection_type, sticky_session, tag, connect_ms, has_password)
  SELECT o."id", o."openedAt", o."clientId", o."proxyUserId", o."operatorId", o."nodeId", p_gateway, o."priceId", o."protocol", o."targetHost", o."targetPort",
    o."clientAddress", o."exitAddress", CASE WHEN o."exitCountry" ~ '^[A-Z]{2}$' THEN o."exitCountry" END, o."exitCity", o."exitAsn", o."connectionType", o."stickySession", o."tag", o."connectMs", coalesce(o."hasPassword", false)
  FROM jsonb_to_recordset(p_opened) AS o ("id" text, "openedAt" timestamptz, "clientId" text, "proxyUserId" text, "operatorId" text, "nodeId" text,
    "priceId" text, "protocol" text, "targetHost" text, "targetPort" integer, "clientAddress" text, "exitAddress" text, "exitCountry" text,
    "exitCity" text, "exitAsn" bigint, "connectionType" text, "stickySession" text, "tag" text, "connectMs" integer, "hasPassword" boolean)
  ON CONFLICT DO NOTHING;

  WITH reported AS (
    -- A session named twice in one batch counts once, with its highest totals.
    SELECT r.id, r.opened_at, max(r.up) AS up, max(r.down) AS down, max(r.closed_at) AS closed_at, max(r.reason) AS reason
    FROM unnest(p_ids, p_opened_at, p_up, p_down, p_closed_at, p_close_reason) AS r (id, opened_at, up, down, closed_at, reason)
    GROUP BY r.id, r.opened_at
  ), before AS (
    SELECT r.id, r.opened_at, r.closed_at, r.reason, s.id IS NOT NULL AS is_known, p.id IS NOT NULL AS is_priced,
      s.client_id, s.operator_id, s.proxy_user_id, s.node_id,
      s.up_bytes, s.down_bytes, s.due_micro_usd, s.earned_micro_usd,
      greatest(r.up, s.up_bytes) AS new_up, greatest(r.down, s.down_bytes) AS new_down,
      p.pico_usd_per_byte AS price, p.operator_pico_usd_per_byte AS operator_price
    FROM reported AS r
    LEFT JOIN proxy_session AS s ON s.id = r.id AND s.opened_at = r.opened_at AND s.gateway_id = p_gateway
    LEFT JOIN price AS p ON p.id = s.price_id
  ), after AS (
    SELECT b.*,
      karvon_owed(b.new_up, b.new_down, b.price) AS new_due,
      karvon_owed(b.new_up, b.new_down, b.operator_price) AS new_earned
    FROM before AS b WHERE b.is_priced
  ), stored AS (
    UPDATE proxy_session AS s
    SET up_bytes = a.new_up, down_bytes = a.new_down, due_micro_usd = a.new_due, earned_micro_usd = a.new_earned, updated_at = p_sampled_at,
      closed_at = coalesce(s.closed_at, a.closed_at), close_reason = coalesce(s.close_reason, a.reason)
    FROM after AS a WHERE s.id = a.id AND s.opened_at = a.opened_at
  )
  SELECT
    -- One row for each user on each node; sessions themselves no longer matter from here on.
    (SELECT array_agg(ROW(g.client_id, g.operator_id, g.proxy_user_id, g.node_id, g.up, g.down, g.due, g.earned)::karvon_growth) FROM (
      SELECT a.client_id, a.operator_id, a.proxy_user_id, a.node_id, sum(a.new_up - a.up_bytes)::bigint AS up, sum(a.new_down - a.down_bytes)::bigint AS down,
        sum(a.new_due - a.due_micro_usd)::bigint AS due, sum(a.new_earned - a.earned_micro_usd)::bigint AS earned
      FROM after AS a GROUP BY a.client_id, a.operator_id, a.proxy_user_id, a.node_id) AS g),
    (SELECT coalesce(array_agg(b.id ORDER BY b.id), '{}') FROM before AS b WHERE NOT b.is_known),
    (SELECT min(b.id) FROM before AS b WHERE b.is_known AND NOT b.is_priced)
  INTO growth, unknown_sessions, unpriced;
  IF unpriced IS NOT NULL THEN
    RAISE EXCEPTION 'session % names a price that does not exist', unpriced USING ERRCODE = 'foreign_key_violation';
  END IF;

  SELECT coalesce(sum(g.up_bytes + g.down_bytes), 0)::bigint INTO posted_bytes FROM unnest(growth) AS g;
  IF posted_bytes > 0 THEN
    INSERT INTO ledger_tx (idempotency_key, request_sha256, kind, actor)
    VALUES (concat_ws(':', 'usage', p_gateway, p_epoch, p_seq), p_payload_sha256, 'usage', p_gateway) RETURNING id INTO batch.tx_id;
    PERFORM karvon_apply(batch.tx_id, (
      SELECT array_agg(ROW(d.kind, d.owner_id, d.shard, d.amount, NULL)::karvon_delta)
      FROM (
        SELECT 'client_bytes'::"LedgerAccountKind" AS kind, g.client_id AS owner_id, 0 AS shard, -sum(g.up_bytes + g.down_bytes)::bigint AS amount FROM unnest(growth) AS g GROUP BY g.client_id
        UNION ALL SELECT 'client_usd', g.client_id, 0, -sum(g.due_micro_usd)::bigint FROM unnest(growth) AS g GROUP BY g.client_id
        UNION ALL SELECT 'operator_payable', g.operator_id, 0, sum(g.earned_micro_usd)::bigint FROM unnest(growth) AS g GROUP BY g.operator_id
        UNION ALL SELECT 'bytes_carried', 'network', v_shard, posted_bytes
        UNION ALL SELECT 'revenue', 'network', v_shard, sum(g.due_micro_usd - g.earned_micro_usd)::bigint FROM unnest(growth) AS g
      ) AS d));

    PERFORM FROM proxy_user AS u WHERE u.id IN (SELECT g.proxy_user_id FROM unnest(growth) AS g) ORDER BY u.id FOR NO KEY UPDATE;
    UPDATE proxy_user AS u SET used_bytes = u.used_bytes + g.bytes
    FROM (SELECT proxy_user_id, sum(up_bytes + down_bytes)::bigint AS bytes FROM unnest(growth) GROUP BY 1) AS g
    WHERE u.id = g.proxy_user_id AND g.bytes > 0;

    INSERT INTO usage_hour AS h (hour, proxy_user_id, node_id, client_id, operator_id, up_bytes, down_bytes, due_micro_usd, earned_micro_usd)
    SELECT v_hour, g.proxy_user_id, g.node_id, min(g.client_id), min(g.operator_id),
      sum(g.up_bytes)::bigint, sum(g.down_bytes)::bigint, sum(g.due_micro_usd)::bigint, sum(g.earned_micro_usd)::bigint
    FROM unnest(growth) AS g WHERE g.up_bytes + g.down_bytes > 0
    GROUP BY g.proxy_user_id, g.node_id ORDER BY g.proxy_user_id, g.node_id
    ON CONFLICT (hour, proxy_user_id, node_id) DO UPDATE SET up_bytes = h.up_bytes + excluded.up_bytes, down_bytes = h.down_bytes + excluded.down_bytes,
      due_micro_usd = h.due_micro_usd + excluded.due_micro_usd, earned_micro_usd = h.earned_micro_usd + excluded.earned_micro_usd;
  END IF;

  batch.bytes := posted_bytes;
  batch.payload_sha256 := p_payload_sha256;
  batch.hash := karvon_batch_hash(previous, batch);
  UPDATE usage_batch AS b SET bytes = batch.bytes, tx_id = batch.tx_id, payload_sha256 = batch.payload_sha256, previous_hash = previous, hash = batch.hash, committed_at = clock_timestamp()
  WHERE b.gateway_id = p_gateway AND b.epoch = p_epoch AND b.seq = p_seq;
  UPDATE gateway AS g SET last_flush_at = clock_timestamp(), last_hash = batch.hash, seq = CASE WHEN g.epoch = p_epoch THEN greatest(g.seq, p_seq) ELSE g.seq END
  WHERE g.id = p_gateway;

  SELECT coalesce(jsonb_agg(jsonb_build_object('clientId', a.owner_id, 'balanceBytes', (a.posted - a.reserved)::text)), '[]') INTO balances
  FROM ledger_account AS a
  WHERE a.kind = 'client_bytes' AND a.shard = 0 AND a.owner_id IN (SELECT g.client_id FROM unnest(growth) AS g);
END $$;
