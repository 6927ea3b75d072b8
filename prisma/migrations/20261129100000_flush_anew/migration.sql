-- usage_flush, stated anew: what several migrations had patched in place is one function in four steps, and each step is one
-- pass over sets. Sessions are rated by the statement that stores them, hours are updated before any is inserted, balances
-- are read by key.
--
-- Lock order, the whole of it: gateway row, sessions, client and operator accounts by id, platform accounts by id, grants,
-- proxy users by id, hours, then (panels only) the audit log's lock and control_epoch. Grants and hours are written only behind
-- the lock of their client's account, so they need no order of their own.

DROP FUNCTION usage_flush(text, bigint, bigint, timestamptz, bytea, jsonb, text[], timestamptz[], bigint[], bigint[], timestamptz[], text[]);
DROP FUNCTION quota_settle(text, bigint, karvon_growth[]);
DROP TYPE karvon_growth;
DROP TRIGGER proxy_session_rated ON proxy_session;
DROP FUNCTION karvon_rate_session();

-- What one report adds: to the hour of a user on a node, to what a user has spent, to what an operator has earned.
CREATE TYPE karvon_hour AS (proxy_user_id text, node_id text, client_id text, operator_id text, up_bytes bigint, down_bytes bigint, due_micro_usd bigint, earned_micro_usd bigint);
CREATE TYPE karvon_spent AS (client_id text, proxy_user_id text, is_replayed boolean, bytes bigint, due_micro_usd bigint);
CREATE TYPE karvon_earned AS (operator_id text, micro_usd bigint);
CREATE TYPE karvon_growth AS (hours karvon_hour[], spent karvon_spent[], earned karvon_earned[], unknown_sessions text[]);

-- Stores the sessions that a gateway opened; those that are known stay as they are. Gateways name the version of the price
-- list; the session keeps the rate of its exit: the one for country and connection, else for the country, else for the connection,
-- else the version itself.
CREATE FUNCTION karvon_open_sessions(p_gateway text, p_opened jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port,
    client_address, has_password, exit_address, exit_country, exit_city, exit_asn, connection_type, sticky_session, tag, connect_ms, failed_attempts)
  SELECT o."id", o."openedAt", o."clientId", o."proxyUserId", o."operatorId", o."nodeId", p_gateway, coalesce(rate.id, o."priceId"), o."protocol", o."targetHost", o."targetPort",
    o."clientAddress", coalesce(o."hasPassword", false), o."exitAddress", place.country, o."exitCity", o."exitAsn", o."connectionType", o."stickySession", o."tag", o."connectMs", coalesce(o."failedAttempts", 0)
  FROM jsonb_to_recordset(p_opened) AS o ("id" text, "openedAt" timestamptz, "clientId" text, "proxyUserId" text, "operatorId" text, "nodeId" text,
    "priceId" text, "protocol" text, "targetHost" text, "targetPort" integer, "clientAddress" text, "hasPassword" boolean, "exitAddress" text, "exitCountry" text,
    "exitCity" text, "exitAsn" bigint, "connectionType" text, "stickySession" text, "tag" text, "connectMs" integer, "failedAttempts" integer)
  CROSS JOIN LATERAL (SELECT CASE WHEN o."exitCountry" ~ '^[A-Z]{2}$' THEN o."exitCountry" END AS country) AS place
  LEFT JOIN LATERAL (
    SELECT p.id FROM price AS p
    WHERE p.base_id = o."priceId" AND coalesce(p.country = place.country, p.country IS NULL)
      AND coalesce(p.connection_type = o."connectionType", p.connection_type IS NULL)
    ORDER BY p.country IS NULL, p.connection_type IS NULL LIMIT 1
  ) AS rate ON true
  ON CONFLICT DO NOTHING;
END $$;

-- Raises the totals of a gateway's sessions to those that it reports, and answers by how much they grew. Counters are
-- cumulative, so only growth counts, in whatever order reports come. What a session owes is the floor of its total times the price (no
-- overflow, no rounding per report); what is answered is that minus what was posted.
-- Sessions that nobody has opened are not counted; their ids come back so that the gateway sends the facts again.
CREATE FUNCTION karvon_raise_totals(
  p_gateway text, p_epoch bigint, p_sampled_at timestamptz,
  p_ids text[], p_opened_at timestamptz[], p_up bigint[], p_down bigint[], p_closed_at timestamptz[], p_close_reason text[]
) RETURNS karvon_growth LANGUAGE plpgsql AS $$
DECLARE
  growth karvon_growth;
  unpriced text;
BEGIN
  WITH reported AS (
    -- A session named twice in one report counts once, with its highest totals.
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
    (SELECT array_agg(ROW(h.proxy_user_id, h.node_id, h.client_id, h.operator_id, h.up, h.down, h.due, h.earned)::karvon_hour) FROM (
      SELECT a.proxy_user_id, a.node_id, min(a.client_id) AS client_id, min(a.operator_id) AS operator_id, sum(a.new_up - a.up_bytes)::bigint AS up, sum(a.new_down - a.down_bytes)::bigint AS down,
        sum(a.new_due - a.due_micro_usd)::bigint AS due, sum(a.new_earned - a.earned_micro_usd)::bigint AS earned
      FROM after AS a WHERE a.new_up + a.new_down > a.up_bytes + a.down_bytes GROUP BY a.proxy_user_id, a.node_id) AS h),
    (SELECT array_agg(ROW(u.client_id, u.proxy_user_id, u.is_replayed, u.bytes, u.due)::karvon_spent) FROM (
      SELECT a.client_id, a.proxy_user_id, a.opened_at < to_timestamp(p_epoch / 1000.0) AS is_replayed,
        sum(a.new_up - a.up_bytes + a.new_down - a.down_bytes)::bigint AS bytes, sum(a.new_due - a.due_micro_usd)::bigint AS due
      FROM after AS a GROUP BY 1, 2, 3) AS u),
    (SELECT array_agg(ROW(o.operator_id, o.earned)::karvon_earned) FROM (
      SELECT a.operator_id, sum(a.new_earned - a.earned_micro_usd)::bigint AS earned FROM after AS a GROUP BY a.operator_id) AS o),
    (SELECT coalesce(array_agg(b.id ORDER BY b.id), '{}') FROM before AS b WHERE NOT b.is_known),
    (SELECT min(b.id) FROM before AS b WHERE b.is_known AND NOT b.is_priced)
  INTO growth.hours, growth.spent, growth.earned, growth.unknown_sessions, unpriced;
  IF unpriced IS NOT NULL THEN
    RAISE EXCEPTION 'session % names a price that does not exist', unpriced USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN growth;
END $$;

-- Takes what is posted now from the grants under which it was carried: those of this run, or, for sessions that an earlier
-- run of the gateway opened and could not post, those of the run before. The caller holds the accounts' locks.
-- What no grant covers is posted all the same; the grant then states that it was carried.
CREATE FUNCTION quota_settle(p_gateway text, p_epoch bigint, p_spent karvon_spent[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH before AS (
    SELECT q.id, q.used + m.bytes AS new_used, CASE WHEN q.state = 'open' THEN least(m.bytes, q.granted - q.used) ELSE 0 END AS freed
    FROM unnest(p_spent) AS m CROSS JOIN LATERAL (
      SELECT g.id, g.state, g.granted, g.used FROM quota_grant AS g WHERE g.proxy_user_id = m.proxy_user_id AND g.gateway_id = p_gateway
        AND CASE WHEN m.is_replayed THEN g.epoch < p_epoch ELSE g.epoch = p_epoch END
      ORDER BY g.epoch DESC LIMIT 1) AS q
    WHERE m.bytes > 0
  ), settled AS (
    UPDATE quota_grant AS q SET used = b.new_used, granted = greatest(q.granted, b.new_used) FROM before AS b WHERE q.id = b.id
    RETURNING q.account_id, b.freed
  )
  UPDATE ledger_account AS a SET reserved = a.reserved - s.freed
  FROM (SELECT account_id, sum(freed)::bigint AS freed FROM settled GROUP BY account_id HAVING sum(freed) > 0) AS s
  WHERE a.id = s.account_id;
END $$;

-- Posts growth: entries and balances of clients, operators and the network, grants, proxy users, hours. A charge is never
-- refused: an account may go below zero and is then marked overdrawn.
CREATE FUNCTION karvon_post_growth(p_gateway text, p_epoch bigint, p_sampled_at timestamptz, p_tx bigint, growth karvon_growth) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_shard integer := (hashtext(p_gateway) & 15);
  v_hour timestamptz := to_timestamp(floor(extract(epoch FROM p_sampled_at) / 3600) * 3600);
  hours_known bigint;
BEGIN
  PERFORM karvon_apply(p_tx, (
    SELECT array_agg(ROW(d.kind, d.owner_id, d.shard, d.amount, NULL)::karvon_delta)
    FROM (
      SELECT 'client_bytes'::"LedgerAccountKind" AS kind, s.client_id AS owner_id, 0 AS shard, -sum(s.bytes)::bigint AS amount FROM unnest(growth.spent) AS s GROUP BY s.client_id
      UNION ALL SELECT 'client_usd', s.client_id, 0, -sum(s.due_micro_usd)::bigint FROM unnest(growth.spent) AS s GROUP BY s.client_id
      UNION ALL SELECT 'operator_payable', e.operator_id, 0, e.micro_usd FROM unnest(growth.earned) AS e
      UNION ALL SELECT 'bytes_carried', 'network', v_shard, sum(s.bytes)::bigint FROM unnest(growth.spent) AS s
      UNION ALL SELECT 'revenue', 'network', v_shard, ((SELECT sum(s.due_micro_usd) FROM unnest(growth.spent) AS s) - (SELECT sum(e.micro_usd) FROM unnest(growth.earned) AS e))::bigint
    ) AS d));

  PERFORM quota_settle(p_gateway, p_epoch, growth.spent);

  PERFORM FROM proxy_user AS u WHERE u.id IN (SELECT s.proxy_user_id FROM unnest(growth.spent) AS s) ORDER BY u.id FOR NO KEY UPDATE;
  UPDATE proxy_user AS u SET used_bytes = u.used_bytes + s.bytes
  FROM (SELECT proxy_user_id, sum(bytes)::bigint AS bytes FROM unnest(growth.spent) GROUP BY 1) AS s
  WHERE u.id = s.proxy_user_id AND s.bytes > 0;

  UPDATE usage_hour AS h SET up_bytes = h.up_bytes + g.up_bytes, down_bytes = h.down_bytes + g.down_bytes,
    due_micro_usd = h.due_micro_usd + g.due_micro_usd, earned_micro_usd = h.earned_micro_usd + g.earned_micro_usd
  FROM unnest(growth.hours) AS g
  WHERE h.hour = v_hour AND h.proxy_user_id = g.proxy_user_id AND h.node_id = g.node_id;
  GET DIAGNOSTICS hours_known = ROW_COUNT;
  -- The conflicts are those that were just updated: the lock of the client's account keeps others away.
  IF hours_known < cardinality(growth.hours) THEN
    INSERT INTO usage_hour (hour, proxy_user_id, node_id, client_id, operator_id, up_bytes, down_bytes, due_micro_usd, earned_micro_usd)
    SELECT v_hour, g.* FROM unnest(growth.hours) AS g
    ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Posts one report of one gateway: sessions, bytes, money, hours, balances, all or nothing, once.
CREATE FUNCTION usage_flush(
  p_gateway text, p_epoch bigint, p_seq bigint, p_sampled_at timestamptz, p_payload_sha256 bytea, p_opened jsonb,
  p_ids text[], p_opened_at timestamptz[], p_up bigint[], p_down bigint[], p_closed_at timestamptz[], p_close_reason text[],
  OUT is_duplicate boolean, OUT posted_bytes bigint, OUT balances jsonb, OUT unknown_sessions text[]
) LANGUAGE plpgsql AS $$
DECLARE
  previous bytea;
  batch usage_batch;
  growth karvon_growth;
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

  IF p_opened <> '[]' THEN
    PERFORM karvon_open_sessions(p_gateway, p_opened);
  END IF;
  growth := karvon_raise_totals(p_gateway, p_epoch, p_sampled_at, p_ids, p_opened_at, p_up, p_down, p_closed_at, p_close_reason);
  unknown_sessions := growth.unknown_sessions;
  SELECT coalesce(sum(s.bytes), 0)::bigint INTO posted_bytes FROM unnest(growth.spent) AS s;
  IF posted_bytes > 0 THEN
    INSERT INTO ledger_tx (idempotency_key, request_sha256, kind, actor)
    VALUES (concat_ws(':', 'usage', p_gateway, p_epoch, p_seq), p_payload_sha256, 'usage', p_gateway) RETURNING id INTO batch.tx_id;
    PERFORM karvon_post_growth(p_gateway, p_epoch, p_sampled_at, batch.tx_id, growth);
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
  WHERE a.kind = 'client_bytes' AND a.shard = 0 AND a.owner_id = ANY (ARRAY(SELECT DISTINCT s.client_id FROM unnest(growth.spent) AS s));
END $$;

-- Half of every page is left free: a row whose counters grow stays in its page, and none of its indexes has to be told.
-- (Pages that are full already stay so.)
ALTER TABLE quota_grant SET (fillfactor = 50);
DO $$
DECLARE
  part regclass;
  body text := pg_get_functiondef('karvon_ensure_partitions'::regproc);
BEGIN
  FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('proxy_session'::regclass, 'usage_hour'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 50)', part);
  END LOOP;
  IF body NOT LIKE '%''opened_at'', 70%' OR body NOT LIKE '%''hour'', 70%' THEN
    RAISE EXCEPTION 'karvon_ensure_partitions does not say how full pages are';
  END IF;
  EXECUTE replace(replace(body, '''opened_at'', 70', '''opened_at'', 50'), '''hour'', 70', '''hour'', 50');
END $$;
