-- The only functions that move balances: ledger_post for money that people move, usage_flush for traffic.
--
-- Lock order, the same in every transaction, so that any number of gateways and panels cannot block each other in a circle:
-- gateway row, sessions, client and operator accounts by id, platform accounts by id, proxy users by id, hours by key,
-- then (panels only) the audit log's lock and control_epoch.

-- Platform accounts. The two that every flush touches are spread over 16 rows: gateways rarely wait for one another.
INSERT INTO "ledger_account" ("kind", "asset", "owner_id", "shard")
SELECT account.kind::"LedgerAccountKind", account.asset::"LedgerAsset", 'network', shard
FROM (VALUES ('bytes_carried', 'BYTE', 15), ('revenue', 'USD6', 15), ('bytes_issued', 'BYTE', 0), ('overrun', 'BYTE', 0), ('payment_clearing', 'USD6', 0),
  ('payout_clearing', 'USD6', 0), ('write_off', 'USD6', 0), ('promotion', 'USD6', 0)) AS account (kind, asset, last_shard)
CROSS JOIN LATERAL generate_series(0, account.last_shard) AS shard;

-- The first price: 3 USD per GB, of which the operator earns 1.80.
INSERT INTO "price" ("id", "name", "pico_usd_per_byte", "operator_pico_usd_per_byte")
VALUES ('prc_00000000000000000000000001', 'Standard', 3000, 1800);

CREATE TYPE "karvon_delta" AS ("kind" "LedgerAccountKind", "owner_id" text, "shard" integer, "amount" bigint, "at_least" bigint);
CREATE TYPE "karvon_growth" AS ("client_id" text, "operator_id" text, "proxy_user_id" text, "node_id" text,
  "up_bytes" bigint, "down_bytes" bigint, "due_micro_usd" bigint, "earned_micro_usd" bigint);

-- Writes the entries of one transaction: one per account, accounts made when missing, locked in order, balances moved.
-- Amounts of zero are left out. `at_least` is the least that balance minus reservations may be afterwards; null is no limit.
CREATE FUNCTION karvon_apply(p_tx bigint, p_deltas karvon_delta[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  short record;
BEGIN
  INSERT INTO ledger_account (kind, asset, owner_id, shard)
  SELECT d.kind, CASE WHEN d.kind IN ('client_bytes', 'bytes_issued', 'bytes_carried', 'overrun') THEN 'BYTE' ELSE 'USD6' END::"LedgerAsset", d.owner_id, d.shard
  FROM (SELECT DISTINCT kind, owner_id, shard FROM unnest(p_deltas) WHERE amount <> 0) AS d
  WHERE NOT EXISTS (SELECT FROM ledger_account AS a WHERE a.kind = d.kind AND a.owner_id = d.owner_id AND a.shard = d.shard)
  ORDER BY d.kind, d.owner_id, d.shard
  ON CONFLICT DO NOTHING;

  PERFORM FROM ledger_account AS a
  WHERE (a.kind, a.owner_id, a.shard) IN (SELECT kind, owner_id, shard FROM unnest(p_deltas) WHERE amount <> 0)
  ORDER BY a.owner_id = 'network', a.id
  FOR NO KEY UPDATE;

  WITH moved AS (
    UPDATE ledger_account AS a
    SET posted = a.posted + d.amount, version = a.version + 1,
      is_overdrawn = a.owner_id <> 'network' AND a.posted + d.amount < 0
    FROM (SELECT kind, owner_id, shard, sum(amount)::bigint AS amount FROM unnest(p_deltas) GROUP BY 1, 2, 3 HAVING sum(amount) <> 0) AS d
    WHERE a.kind = d.kind AND a.owner_id = d.owner_id AND a.shard = d.shard
    RETURNING a.id, a.version, a.asset, d.amount, a.posted
  )
  INSERT INTO ledger_entry (account_id, account_version, tx_id, asset, amount, balance_after)
  SELECT id, version, p_tx, asset, amount, posted FROM moved;

  SELECT d.kind, d.owner_id INTO short FROM unnest(p_deltas) AS d
  JOIN ledger_account AS a ON a.kind = d.kind AND a.owner_id = d.owner_id AND a.shard = d.shard
  WHERE d.at_least IS NOT NULL AND a.posted - a.reserved < d.at_least LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'BALANCE_TOO_LOW: % of %', short.kind, short.owner_id USING ERRCODE = 'KV002';
  END IF;
END $$;

-- Posts one transaction that a person or a payment provider asked for. The key is unique for ever: the same request again
-- answers with the same transaction and is_new = false; the same key with another body raises IDEMPOTENCY_CONFLICT.
-- p_entries: [{"kind", "ownerId", "shard"?, "amount", "atLeast"?}], amounts as integers or strings of digits.
CREATE FUNCTION ledger_post(p_idem_key text, p_kind "LedgerTxKind", p_actor text, p_request_sha256 bytea, p_entries jsonb, OUT tx_id bigint, OUT is_new boolean)
LANGUAGE plpgsql AS $$
DECLARE
  deltas karvon_delta[];
  known ledger_tx;
  rest record;
BEGIN
  IF p_kind = 'usage' THEN
    RAISE EXCEPTION 'usage is posted by usage_flush only' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO ledger_tx (idempotency_key, request_sha256, kind, actor) VALUES (p_idem_key, p_request_sha256, p_kind, p_actor)
  ON CONFLICT (idempotency_key) DO NOTHING RETURNING id INTO tx_id;
  IF tx_id IS NULL THEN
    SELECT * INTO known FROM ledger_tx WHERE idempotency_key = p_idem_key;
    IF known.kind <> p_kind OR known.request_sha256 IS DISTINCT FROM p_request_sha256 THEN
      RAISE EXCEPTION 'IDEMPOTENCY_CONFLICT: the key % was used for another request', p_idem_key USING ERRCODE = 'KV001';
    END IF;
    tx_id := known.id;
    is_new := false;
    RETURN;
  END IF;
  is_new := true;
  SELECT array_agg(ROW(e."kind", coalesce(e."ownerId", 'network'), coalesce(e."shard", 0), e."amount", e."atLeast")::karvon_delta) INTO deltas
  FROM jsonb_to_recordset(p_entries) AS e ("kind" "LedgerAccountKind", "ownerId" text, "shard" integer, "amount" bigint, "atLeast" bigint);
  IF deltas IS NULL OR (SELECT bool_or(amount IS NULL) OR bool_and(amount = 0) FROM unnest(deltas)) THEN
    RAISE EXCEPTION 'a ledger transaction needs entries with amounts' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM karvon_apply(tx_id, deltas);
  -- The deferred trigger would say it at COMMIT; the caller is better told here, where the entries stand.
  SELECT e.asset, sum(e.amount) AS amount INTO rest FROM ledger_entry AS e WHERE e.tx_id = ledger_post.tx_id GROUP BY e.asset HAVING sum(e.amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the entries are out of balance by % %', rest.amount, rest.asset USING ERRCODE = 'KV005';
  END IF;
END $$;

-- The floor of bytes times price, in micro-USD. Up to a petabyte each way at up to 4 USD per GB whole numbers of 64 bits hold
-- the product, and cost a tenth of the time; beyond that it is the same in numeric. (C6 of the reconciliation uses numeric only.)
CREATE FUNCTION karvon_owed(up_bytes bigint, down_bytes bigint, price bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN up_bytes < 1000000000000000 AND down_bytes < 1000000000000000 AND price <= 4000 THEN (up_bytes + down_bytes) * price / 1000000
    ELSE floor((up_bytes::numeric + down_bytes) * price / 1000000)::bigint END
$$;

-- What identifies one posted batch in its gateway's chain.
CREATE FUNCTION karvon_batch_hash(previous bytea, batch usage_batch) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(coalesce(previous, ''::bytea) || convert_to(jsonb_build_array(batch.gateway_id, batch.epoch, batch.seq,
    (extract(epoch FROM batch.sampled_at) * 1000)::bigint, batch.session_count, batch.bytes, batch.tx_id, encode(batch.payload_sha256, 'hex'))::text, 'UTF8'))
$$;

-- Posts one report of one gateway: sessions, bytes, money, hours, balances, all or nothing, once.
--
-- Counters are cumulative, so only growth is charged, in whatever order reports come. What a session owes is the floor of
-- its total times the price (no overflow, no rounding per flush); what is posted is that minus what was posted.
-- A charge is never refused: an account may go below zero and is then marked overdrawn.
-- Counters of sessions that nobody has opened are not charged; their ids come back so that the gateway sends the facts again.
CREATE FUNCTION usage_flush(
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
    client_address, exit_address, exit_country, exit_city, exit_asn, connection_type, sticky_session, tag, connect_ms)
  SELECT o."id", o."openedAt", o."clientId", o."proxyUserId", o."operatorId", o."nodeId", p_gateway, o."priceId", o."protocol", o."targetHost", o."targetPort",
    o."clientAddress", o."exitAddress", CASE WHEN o."exitCountry" ~ '^[A-Z]{2}$' THEN o."exitCountry" END, o."exitCity", o."exitAsn", o."connectionType", o."stickySession", o."tag", o."connectMs"
  FROM jsonb_to_recordset(p_opened) AS o ("id" text, "openedAt" timestamptz, "clientId" text, "proxyUserId" text, "operatorId" text, "nodeId" text,
    "priceId" text, "protocol" text, "targetHost" text, "targetPort" integer, "clientAddress" text, "exitAddress" text, "exitCountry" text,
    "exitCity" text, "exitAsn" bigint, "connectionType" text, "stickySession" text, "tag" text, "connectMs" integer)
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
