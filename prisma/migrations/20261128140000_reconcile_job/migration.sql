-- Reconciliation that runs by itself: every few minutes over what changed, once a night over everything, and the check C8,
-- which holds the gateways' meter against the devices' own. A run, what it found and what the admins are to be told of it are
-- one transaction.

-- Nodes that were tried before the one that served. What they carried is not billed; the receipt says how many there were.
ALTER TABLE "proxy_session" ADD COLUMN "failed_attempts" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "proxy_session" ADD CONSTRAINT "proxy_session_attempts_check" CHECK ("failed_attempts" >= 0);

-- usage_flush as it is, with one more column of the sessions that open: several migrations define it, and this one knows only
-- that column. It stops when it does not find where the column belongs.
DO $$
DECLARE
  body text := pg_get_functiondef('usage_flush'::regproc);
  part text[];
BEGIN
  FOREACH part SLICE 1 IN ARRAY ARRAY[
    ['INSERT INTO proxy_session (id,', 'INSERT INTO proxy_session (failed_attempts, id,'],
    ['SELECT o."id",', 'SELECT coalesce(o."failedAttempts", 0), o."id",'],
    ['AS o ("id" text,', 'AS o ("failedAttempts" integer, "id" text,']]
  LOOP
    IF (length(body) - length(replace(body, part[1], ''))) <> length(part[1]) THEN
      RAISE EXCEPTION 'usage_flush does not say "%" once', part[1];
    END IF;
    body := replace(body, part[1], part[2]);
  END LOOP;
  EXECUTE body;
END $$;

-- Runs -----------------------------------------------------------------------------------------------------------------

-- One row a run instead of one a check; nothing has written the old ones.
DROP FUNCTION "reconcile_and_record"(integer);
DROP FUNCTION "reconcile"(integer);
DROP TABLE "reconcile_run";

CREATE TABLE "reconcile_run" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "scope" TEXT NOT NULL,
    "asked_by" TEXT NOT NULL,
    "milliseconds" INTEGER NOT NULL,
    "bad_count" INTEGER NOT NULL DEFAULT 0,
    "checks" JSONB NOT NULL DEFAULT '[]',
    "failure" TEXT,

    CONSTRAINT "reconcile_run_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "reconcile_run_at_idx" ON "reconcile_run"("at" DESC);
ALTER TABLE "reconcile_run"
  ADD CONSTRAINT "reconcile_run_scope_check" CHECK ("scope" IN ('full', 'recent')),
  ADD CONSTRAINT "reconcile_run_counts_check" CHECK ("bad_count" >= 0 AND "milliseconds" >= 0);

-- What admins are to be told; `sent_at` once it is. The fingerprint says what was wrong, so that the same is told once.
CREATE TABLE "reconcile_alert" (
    "id" BIGSERIAL NOT NULL,
    "run_id" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "reconcile_alert_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "reconcile_alert_at_idx" ON "reconcile_alert"("at" DESC);
ALTER TABLE "reconcile_alert" ADD CONSTRAINT "reconcile_alert_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "reconcile_run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "reconcile_alert" ADD CONSTRAINT "reconcile_alert_kind_check" CHECK ("kind" IN ('broken', 'changed', 'healed'));

-- How far an account's entries were right when everything was: a run over what changed begins there.
CREATE TABLE "reconcile_mark" (
    "account_id" BIGINT NOT NULL,
    "version" BIGINT NOT NULL,
    "posted" BIGINT NOT NULL,

    CONSTRAINT "reconcile_mark_pkey" PRIMARY KEY ("account_id")
);

-- Reports are found by when they came.
CREATE INDEX "usage_batch_committed_at_idx" ON "usage_batch" USING BRIN ("committed_at");

-- C8, the independent meter ----------------------------------------------------------------------------------------------

-- Each device counts the bytes of its streams itself and reports the day's total; a heartbeat is such a report at the moment it
-- came. Between two reports stands what the device carried, so a span of hours has a least (reports inside it) and a most (the
-- reports around it). What gateways charged for it lies between the two, give or take 1 % and 16 MiB: the credit that a tunnel
-- has open, which a connection that breaks leaves counted at one end only. The edges weigh up to 4 minutes: much in an hour,
-- little in a day, so both are held.
--
-- Bytes are charged to the hour in which they are sampled, up to 2 minutes after they passed. A count that fell began anew (the
-- device's midnight, or a lost file): what it had before is unknown, so that span has a least and no most.
CREATE FUNCTION karvon_meter_spans(first_at timestamptz, last_at timestamptz, width interval)
RETURNS TABLE (start_at timestamptz, node_id text, charged bigint, least_bytes bigint, most_bytes bigint) LANGUAGE sql STABLE AS $$
  SELECT h.start_at, n.id, coalesce(c.bytes, 0)::bigint, coalesce(d.least_bytes, 0)::bigint, d.most_bytes::bigint
  FROM generate_series(first_at, last_at, width) AS h (start_at)
  CROSS JOIN node AS n
  CROSS JOIN LATERAL (
    SELECT (SELECT max(b.at) FROM heartbeat AS b WHERE b.node_id = n.id AND b.at BETWEEN h.start_at - interval '1 day' AND h.start_at - interval '2 minutes') AS before_at,
      (SELECT min(b.at) FROM heartbeat AS b WHERE b.node_id = n.id AND b.at BETWEEN h.start_at + width AND h.start_at + width + interval '1 day') AS after_at
  ) AS around
  LEFT JOIN LATERAL (
    SELECT sum(u.up_bytes + u.down_bytes) AS bytes FROM usage_hour AS u
    WHERE u.operator_id = n.operator_id AND u.node_id = n.id AND u.hour >= h.start_at AND u.hour < h.start_at + width
  ) AS c ON true
  CROSS JOIN LATERAL (
    SELECT sum(s.step) FILTER (WHERE s.earlier_at >= h.start_at AND s.at <= h.start_at + width - interval '2 minutes') AS least_bytes,
      CASE WHEN around.before_at IS NOT NULL AND around.after_at IS NOT NULL AND NOT coalesce(bool_or(s.is_new_count), false) THEN coalesce(sum(s.step), 0) END AS most_bytes
    FROM (
      SELECT b.at, lag(b.at) OVER reports AS earlier_at, b.day_bytes < lag(b.day_bytes) OVER reports AS is_new_count,
        CASE WHEN b.day_bytes >= lag(b.day_bytes) OVER reports THEN b.day_bytes - lag(b.day_bytes) OVER reports WHEN lag(b.day_bytes) OVER reports IS NOT NULL THEN b.day_bytes END AS step
      FROM heartbeat AS b
      WHERE b.node_id = n.id AND b.at BETWEEN coalesce(around.before_at, h.start_at) AND coalesce(around.after_at, h.start_at + width)
      WINDOW reports AS (ORDER BY b.at)
    ) AS s
  ) AS d
  WHERE c.bytes > 0 OR d.least_bytes > 0
$$;

-- Small differences that every node has would hide below each node's own allowance: the network is held against the sum.
CREATE FUNCTION reconcile_meter_fault(first_at timestamptz, last_at timestamptz, width interval) RETURNS TABLE ("check" text, subject text, detail text) LANGUAGE sql STABLE AS $$
  WITH spans AS MATERIALIZED (
    SELECT m.*, format('%s hours from %s', extract(epoch FROM width)::bigint / 3600, to_char(m.start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')) AS span
    FROM karvon_meter_spans(first_at, last_at, width) AS m
  ), held AS (
    SELECT format('node %s, %s', node_id, span) AS subject, charged, least_bytes, most_bytes FROM spans
    UNION ALL SELECT format('network, %s', span), sum(charged)::bigint, sum(least_bytes)::bigint, sum(most_bytes)::bigint FROM spans WHERE most_bytes IS NOT NULL GROUP BY span
  )
  SELECT 'C8', subject, format('charged %s bytes, devices counted %s to %s', charged, least_bytes, coalesce(most_bytes::text, 'unknown'))
  FROM held
  WHERE charged < least_bytes * 0.99 - 16777216 OR charged > most_bytes * 1.01 + 16777216
$$;

-- Faults ----------------------------------------------------------------------------------------------------------------

-- The hours that are over and whose last reports have come.
CREATE FUNCTION karvon_metered_hour(before timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT date_trunc('hour', before - interval '5 minutes', 'UTC') - interval '1 hour'
$$;

-- Everything, from the first entry on; C8 over each of the last 25 hours and the last 24 together.
CREATE FUNCTION reconcile_full_fault() RETURNS TABLE ("check" text, subject text, detail text) LANGUAGE sql STABLE AS $$
  SELECT f."check", f.subject, f.detail FROM reconcile_fault AS f
  UNION ALL SELECT * FROM reconcile_meter_fault(karvon_metered_hour(now()) - interval '24 hours', karvon_metered_hour(now()), interval '1 hour')
  UNION ALL SELECT * FROM reconcile_meter_fault(karvon_metered_hour(now()) - interval '23 hours', karvon_metered_hour(now()) - interval '23 hours', interval '24 hours')
$$;

-- The same checks over what changed: C1 and C2 over entries beyond the marks, C3 and C6 over the clients and operators whose
-- accounts moved, C4 over the reports that came (and a minute before), C8 over the hours that ended since. C5 and C7 read one row
-- an account and are done whole. A fault in rows that did not move is the nightly run's to find.
CREATE FUNCTION reconcile_recent_fault(since timestamptz) RETURNS TABLE ("check" text, subject text, detail text) LANGUAGE sql STABLE AS $$
  WITH moved AS MATERIALIZED (
    SELECT a.id, a.kind, a.owner_id, a.posted, a.version, coalesce(m.version, 0) AS seen_version, coalesce(m.posted, 0) AS seen_posted
    FROM ledger_account AS a LEFT JOIN reconcile_mark AS m ON m.account_id = a.id
    WHERE a.version <> coalesce(m.version, 0) OR a.posted <> coalesce(m.posted, 0)
  ), added AS MATERIALIZED (
    SELECT m.id, e.tx_id, e.amount, e.balance_after <> m.seen_posted + sum(e.amount) OVER steps OR e.account_version <> m.seen_version + row_number() OVER steps AS is_broken
    FROM moved AS m JOIN ledger_entry AS e ON e.account_id = m.id AND e.account_version > m.seen_version
    WINDOW steps AS (PARTITION BY m.id ORDER BY e.account_version)
  ), reports AS MATERIALIZED (
    SELECT b.* FROM usage_batch AS b WHERE b.committed_at >= since - interval '1 minute'
  ), sessions AS MATERIALIZED (
    SELECT s.id, s.client_id, s.operator_id, s.up_bytes, s.down_bytes, s.due_micro_usd, s.earned_micro_usd, s.price_id
    FROM proxy_session AS s
    WHERE s.client_id IN (SELECT m.owner_id FROM moved AS m WHERE m.kind IN ('client_bytes', 'client_usd'))
      OR s.operator_id IN (SELECT m.owner_id FROM moved AS m WHERE m.kind = 'operator_payable')
  )
  SELECT 'C1', 'account ' || m.id,
    format('balance %s, entries sum to %s; version %s, %s entries; %s broken links', m.posted, m.seen_posted + coalesce(e.total, 0), m.version, m.seen_version + coalesce(e.entries, 0), coalesce(e.broken, 0))
  FROM moved AS m LEFT JOIN (SELECT id, sum(amount) AS total, count(*) AS entries, count(*) FILTER (WHERE is_broken) AS broken FROM added GROUP BY id) AS e ON e.id = m.id
  WHERE m.posted <> m.seen_posted + coalesce(e.total, 0) OR m.version <> m.seen_version + coalesce(e.entries, 0) OR coalesce(e.broken, 0) <> 0
  UNION ALL
  SELECT 'C2', 'transaction ' || e.tx_id, format('%s %s too much', sum(e.amount), e.asset)
  FROM ledger_entry AS e WHERE e.tx_id IN (SELECT tx_id FROM added) GROUP BY e.tx_id, e.asset HAVING sum(e.amount) <> 0
  UNION ALL
  SELECT 'C3', 'client ' || told.client_id, format('sessions %s, hours %s, ledger %s bytes', sum(session_bytes), sum(hour_bytes), sum(ledger_bytes))
  FROM (SELECT owner_id AS client_id FROM moved WHERE kind = 'client_bytes') AS c
  JOIN LATERAL (
    SELECT c.client_id, coalesce(sum(s.up_bytes + s.down_bytes), 0) AS session_bytes, 0 AS hour_bytes, 0 AS ledger_bytes FROM sessions AS s WHERE s.client_id = c.client_id
    UNION ALL SELECT c.client_id, 0, coalesce(sum(h.up_bytes + h.down_bytes), 0), 0 FROM usage_hour AS h WHERE h.client_id = c.client_id
    UNION ALL SELECT c.client_id, 0, 0, coalesce(-sum(e.amount), 0) FROM ledger_account AS a JOIN ledger_entry AS e ON e.account_id = a.id JOIN ledger_tx AS t ON t.id = e.tx_id
      WHERE a.kind = 'client_bytes' AND a.owner_id = c.client_id AND t.kind = 'usage'
  ) AS told ON true
  GROUP BY told.client_id HAVING sum(session_bytes) <> sum(hour_bytes) OR sum(session_bytes) <> sum(ledger_bytes)
  UNION ALL
  SELECT 'C4', format('gateway %s run %s', b.gateway_id, b.epoch), format('%s batches, numbers %s to %s', count(*), min(b.seq), max(b.seq))
  FROM reports AS b JOIN gateway AS g ON g.id = b.gateway_id
  GROUP BY b.gateway_id, b.epoch, g.epoch, g.seq
  HAVING max(b.seq) - min(b.seq) + 1 <> count(*) OR b.epoch = g.epoch AND max(b.seq) <> g.seq
    OR min(b.seq) <> 1 AND NOT EXISTS (SELECT FROM usage_batch AS p WHERE p.gateway_id = b.gateway_id AND p.epoch = b.epoch AND p.seq = min(b.seq) - 1)
  UNION ALL
  SELECT 'C4', format('batch %s %s %s', b.gateway_id, b.epoch, b.seq), format('batch %s bytes, ledger %s; hash %s', b.bytes, coalesce(e.carried, 0),
    CASE WHEN b.hash = karvon_batch_hash(b.previous_hash, b) THEN 'good' ELSE 'wrong' END)
  FROM reports AS b
  LEFT JOIN LATERAL (SELECT sum(e.amount) AS carried FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id WHERE e.tx_id = b.tx_id AND a.kind = 'bytes_carried') AS e ON true
  WHERE b.bytes <> coalesce(e.carried, 0) OR b.hash IS DISTINCT FROM karvon_batch_hash(b.previous_hash, b)
  UNION ALL
  -- All but the first of them follow another of them, each a different one, and one is the head.
  SELECT 'C4', 'gateway ' || g.id, format('%s batches, %s links, %s ends at the head', l.batches, l.links, l.heads)
  FROM gateway AS g
  JOIN (
    SELECT b.gateway_id, count(*) AS batches, count(p.hash) AS links, count(DISTINCT coalesce(b.previous_hash, ''::bytea)) AS distinct_links, count(*) FILTER (WHERE b.hash = h.last_hash) AS heads
    FROM reports AS b JOIN gateway AS h ON h.id = b.gateway_id LEFT JOIN reports AS p ON p.gateway_id = b.gateway_id AND p.hash = b.previous_hash
    GROUP BY b.gateway_id
  ) AS l ON l.gateway_id = g.id
  WHERE l.links <> l.batches - 1 OR l.distinct_links <> l.batches OR l.heads <> 1
  UNION ALL
  SELECT 'C6', 'session ' || s.id, format('due %s and earned %s for %s bytes', s.due_micro_usd, s.earned_micro_usd, s.up_bytes + s.down_bytes)
  FROM sessions AS s LEFT JOIN price AS p ON p.id = s.price_id
  WHERE s.due_micro_usd IS DISTINCT FROM floor((s.up_bytes::numeric + s.down_bytes) * p.pico_usd_per_byte / 1000000)
    OR s.earned_micro_usd IS DISTINCT FROM floor((s.up_bytes::numeric + s.down_bytes) * p.operator_pico_usd_per_byte / 1000000)
  UNION ALL
  SELECT 'C6', told.owner, format('sessions %s, hours %s, ledger %s micro-USD', sum(session_money), sum(hour_money), sum(ledger_money))
  FROM (SELECT id, kind, owner_id, CASE kind WHEN 'client_usd' THEN 'client ' ELSE 'operator ' END || owner_id AS owner FROM moved WHERE kind IN ('client_usd', 'operator_payable')) AS c
  JOIN LATERAL (
    SELECT c.owner, coalesce(CASE c.kind WHEN 'client_usd' THEN sum(s.due_micro_usd) ELSE sum(s.earned_micro_usd) END, 0) AS session_money, 0 AS hour_money, 0 AS ledger_money
    FROM sessions AS s WHERE CASE c.kind WHEN 'client_usd' THEN s.client_id ELSE s.operator_id END = c.owner_id
    UNION ALL SELECT c.owner, 0, coalesce(sum(h.due_micro_usd), 0), 0 FROM usage_hour AS h WHERE c.kind = 'client_usd' AND h.client_id = c.owner_id
    UNION ALL SELECT c.owner, 0, coalesce(sum(h.earned_micro_usd), 0), 0 FROM usage_hour AS h WHERE c.kind = 'operator_payable' AND h.operator_id = c.owner_id
    UNION ALL SELECT c.owner, 0, 0, coalesce(sum(CASE c.kind WHEN 'client_usd' THEN -e.amount ELSE e.amount END), 0)
    FROM ledger_entry AS e JOIN ledger_tx AS t ON t.id = e.tx_id WHERE e.account_id = c.id AND t.kind = 'usage'
  ) AS told ON true
  GROUP BY told.owner HAVING sum(session_money) <> sum(hour_money) OR sum(session_money) <> sum(ledger_money)
  UNION ALL
  SELECT f."check", f.subject, f.detail FROM reconcile_fault AS f WHERE f."check" IN ('C5', 'C7')
  UNION ALL
  SELECT * FROM reconcile_meter_fault(karvon_metered_hour(since) + interval '1 hour', karvon_metered_hour(now()), interval '1 hour')
$$;

-- Running ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION reconcile_titles() RETURNS TABLE ("check" text, title text) LANGUAGE sql IMMUTABLE AS $$
  VALUES ('C1', 'Every balance is the sum of its entries'),
    ('C2', 'Every transaction sums to zero'),
    ('C3', 'Sessions, hours and ledger count the same bytes'),
    ('C4', 'No report of a gateway is missing or changed'),
    ('C5', 'Reservations are the open grants'),
    ('C6', 'Sessions, hours and ledger count the same money'),
    ('C7', 'All balances sum to zero'),
    ('C8', 'Devices counted the bytes that were charged')
$$;

-- Every check with the number of its faults and up to `sample_max` of them, as [{"subject", "detail"}]. Changes nothing.
CREATE FUNCTION reconcile(sample_max integer DEFAULT 5) RETURNS TABLE ("check" text, title text, bad_count integer, sample jsonb) LANGUAGE sql STABLE AS $$
  WITH faults AS (SELECT f."check", f.subject, f.detail, row_number() OVER (PARTITION BY f."check" ORDER BY f.subject, f.detail) AS number FROM reconcile_full_fault() AS f)
  SELECT c."check", c.title, count(f.subject)::integer,
    coalesce(jsonb_agg(jsonb_build_object('subject', f.subject, 'detail', f.detail) ORDER BY f.number) FILTER (WHERE f.number <= sample_max), '[]')
  FROM reconcile_titles() AS c LEFT JOIN faults AS f ON f."check" = c."check"
  GROUP BY c."check", c.title ORDER BY c."check"
$$;

-- The number of the advisory lock that lets one process at a time run.
CREATE FUNCTION karvon_reconcile_lock() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 72707003::bigint $$;

-- Which run is due: none (null) within `every` of the last; 'full' when there was none since 02:00 UTC, or when the last one found
-- something or failed, so that what was found is looked at again until it is gone; otherwise 'recent'.
CREATE FUNCTION reconcile_due(every interval) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN last.at > now() - every THEN NULL
    WHEN last.at IS NULL OR last.bad_count > 0 OR last.failure IS NOT NULL THEN 'full'
    WHEN EXISTS (SELECT FROM reconcile_run AS r WHERE r.scope = 'full' AND r.failure IS NULL
      AND r.at >= date_trunc('day', now() - interval '2 hours', 'UTC') + interval '2 hours') THEN 'recent'
    ELSE 'full' END
  FROM (SELECT) AS one LEFT JOIN LATERAL (SELECT r.at, r.bad_count, r.failure FROM reconcile_run AS r ORDER BY r.at DESC, r.id DESC LIMIT 1) AS last ON true
$$;

-- Runs the checks, keeps the result, and says what the admins are to be told: that something broke, that other things are broken
-- now (an hour after the last word at the earliest), or that all is well again. The caller holds the lock.
CREATE FUNCTION reconcile_perform(p_scope text, p_asked_by text, sample_max integer DEFAULT 5) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_since timestamptz;
  v_run bigint;
  v_bad integer;
  v_checks jsonb;
  v_fingerprint bytea;
  told reconcile_alert;
  v_kind text;
BEGIN
  SELECT max(r.at) INTO v_since FROM reconcile_run AS r WHERE r.failure IS NULL;
  IF v_since IS NULL THEN
    p_scope := 'full';
  END IF;
  -- One statement sees one instant of the database, whatever gateways post meanwhile; the marks are of the same instant.
  WITH faults AS MATERIALIZED (
    SELECT f."check", f.subject, f.detail, row_number() OVER (PARTITION BY f."check" ORDER BY f.subject, f.detail) AS number FROM (
      SELECT * FROM reconcile_full_fault() WHERE p_scope = 'full'
      UNION ALL SELECT * FROM reconcile_recent_fault(v_since) WHERE p_scope = 'recent') AS f
  ), marked AS (
    INSERT INTO reconcile_mark AS m (account_id, version, posted)
    SELECT a.id, a.version, a.posted FROM ledger_account AS a LEFT JOIN reconcile_mark AS k ON k.account_id = a.id
    WHERE (k.version, k.posted) IS DISTINCT FROM (a.version, a.posted) AND NOT EXISTS (SELECT FROM faults)
    ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, posted = excluded.posted
  ), judged AS (
    SELECT c."check", c.title, count(f.subject)::integer AS bad_count,
      coalesce(jsonb_agg(jsonb_build_object('subject', f.subject, 'detail', f.detail) ORDER BY f.number) FILTER (WHERE f.number <= sample_max), '[]') AS sample
    FROM reconcile_titles() AS c LEFT JOIN faults AS f ON f."check" = c."check" GROUP BY c."check", c.title
  )
  SELECT jsonb_agg(jsonb_build_object('check', j."check", 'title', j.title, 'badCount', j.bad_count, 'sample', j.sample) ORDER BY j."check"), sum(j.bad_count)::integer,
    (SELECT sha256(convert_to(coalesce(string_agg(f."check" || ' ' || f.subject, E'\n' ORDER BY f."check", f.subject), ''), 'UTF8')) FROM faults AS f)
  INTO v_checks, v_bad, v_fingerprint FROM judged AS j;

  INSERT INTO reconcile_run (scope, asked_by, milliseconds, bad_count, checks)
  VALUES (p_scope, p_asked_by, (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000)::integer, v_bad, v_checks) RETURNING id INTO v_run;
  SELECT a.* INTO told FROM reconcile_alert AS a ORDER BY a.id DESC LIMIT 1;
  v_kind := CASE
    WHEN v_bad > 0 AND coalesce(told.kind, 'healed') = 'healed' THEN 'broken'
    WHEN v_bad > 0 AND told.fingerprint <> v_fingerprint AND told.at < now() - interval '1 hour' THEN 'changed'
    WHEN v_bad = 0 AND told.kind IN ('broken', 'changed') THEN 'healed' END;
  IF v_kind IS NOT NULL THEN
    INSERT INTO reconcile_alert (run_id, kind, fingerprint) VALUES (v_run, v_kind, v_fingerprint);
  END IF;
  DELETE FROM reconcile_run AS r WHERE r.at < now() - interval '90 days' AND NOT EXISTS (SELECT FROM reconcile_alert AS a WHERE a.run_id = r.id);
  RETURN v_run;
END $$;
