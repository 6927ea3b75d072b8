-- Reports of sessions that the database will never take: kept with the reason, so that they hold up nobody else's charges,
-- and posted when the reason is mended.

-- CreateTable
CREATE TABLE "usage_dead_letter" (
    "id" BIGSERIAL NOT NULL,
    "gateway_id" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "seq" BIGINT NOT NULL,
    "session_id" TEXT NOT NULL,
    "sampled_at" TIMESTAMPTZ(3) NOT NULL,
    "report" JSON NOT NULL,
    "sqlstate" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "refused_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "posted_at" TIMESTAMPTZ(3),
    "tx_id" BIGINT,

    CONSTRAINT "usage_dead_letter_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "usage_dead_letter_gateway_id_epoch_seq_session_id_key" ON "usage_dead_letter"("gateway_id", "epoch", "seq", "session_id");

-- AddForeignKey
ALTER TABLE "usage_dead_letter" ADD CONSTRAINT "usage_dead_letter_tx_id_fkey" FOREIGN KEY ("tx_id") REFERENCES "ledger_tx"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE INDEX "usage_dead_letter_open" ON "usage_dead_letter" ("id") WHERE "posted_at" IS NULL;

-- What was refused is evidence: only that it was posted is added, once.
CREATE TRIGGER "usage_dead_letter_no_delete" BEFORE DELETE ON "usage_dead_letter" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "usage_dead_letter_no_truncate" BEFORE TRUNCATE ON "usage_dead_letter" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "usage_dead_letter_fixed" BEFORE UPDATE ON "usage_dead_letter" FOR EACH ROW
  WHEN (OLD."posted_at" IS NOT NULL OR NEW."posted_at" IS NULL
    OR (NEW."id", NEW."gateway_id", NEW."epoch", NEW."seq", NEW."session_id", NEW."sampled_at", NEW."report"::text, NEW."sqlstate", NEW."message", NEW."refused_at")
      IS DISTINCT FROM (OLD."id", OLD."gateway_id", OLD."epoch", OLD."seq", OLD."session_id", OLD."sampled_at", OLD."report"::text, OLD."sqlstate", OLD."message", OLD."refused_at"))
  EXECUTE FUNCTION karvon_refuse_change();

-- The two ends of posting a report, which both ways of posting it share ---------------------------------------------------

-- Names a report in its gateway's chain, before any of its effects: one of a gateway at a time, which the row lock orders. Answers the
-- open row, or null when the report was posted before, for example when only the answer was lost.
CREATE FUNCTION karvon_name_report(p_gateway text, p_epoch bigint, p_seq bigint, p_sampled_at timestamptz, p_payload_sha256 bytea, p_sessions integer)
RETURNS usage_batch LANGUAGE plpgsql AS $$
DECLARE
  previous bytea;
  batch usage_batch;
BEGIN
  SELECT g.last_hash INTO previous FROM gateway AS g WHERE g.id = p_gateway FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'gateway % is not registered', p_gateway USING ERRCODE = 'foreign_key_violation';
  END IF;
  INSERT INTO usage_batch (gateway_id, epoch, seq, sampled_at, session_count) VALUES (p_gateway, p_epoch, p_seq, p_sampled_at, p_sessions)
  ON CONFLICT DO NOTHING RETURNING * INTO batch;
  IF batch.seq IS NULL THEN
    SELECT b.* INTO batch FROM usage_batch AS b WHERE b.gateway_id = p_gateway AND b.epoch = p_epoch AND b.seq = p_seq;
    IF batch.payload_sha256 IS DISTINCT FROM p_payload_sha256 THEN
      RAISE EXCEPTION 'USAGE_CONFLICT: batch % % % was posted with other content', p_gateway, p_epoch, p_seq USING ERRCODE = 'KV003';
    END IF;
    RETURN NULL;
  END IF;
  batch.payload_sha256 := p_payload_sha256;
  batch.previous_hash := previous;
  RETURN batch;
END $$;

-- Closes the row that karvon_name_report opened, with the bytes and the transaction that came of it.
CREATE FUNCTION karvon_seal_report(batch usage_batch) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  batch.hash := karvon_batch_hash(batch.previous_hash, batch);
  UPDATE usage_batch AS b SET bytes = batch.bytes, tx_id = batch.tx_id, payload_sha256 = batch.payload_sha256, previous_hash = batch.previous_hash, hash = batch.hash, committed_at = clock_timestamp()
  WHERE b.gateway_id = batch.gateway_id AND b.epoch = batch.epoch AND b.seq = batch.seq;
  UPDATE gateway AS g SET last_flush_at = clock_timestamp(), last_hash = batch.hash, seq = CASE WHEN g.epoch = batch.epoch THEN greatest(g.seq, batch.seq) ELSE g.seq END
  WHERE g.id = batch.gateway_id;
END $$;

-- What clients have left, as [{"clientId", "balanceBytes"}].
CREATE FUNCTION karvon_balances(clients text[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('clientId', a.owner_id, 'balanceBytes', (a.posted - a.reserved)::text)), '[]')
    FROM ledger_account AS a WHERE a.kind = 'client_bytes' AND a.shard = 0 AND a.owner_id = ANY (clients));
END $$;

-- What came of posting some sessions; `tx_id` is null while nothing grew.
CREATE TYPE karvon_posted AS (tx_id bigint, bytes bigint, clients text[], unknown_sessions text[]);

-- Posts sessions of a report, as part of ledger transaction `p_tx`, or of a new one under `p_key` when there is none yet.
CREATE FUNCTION karvon_post_sessions(
  batch usage_batch, p_tx bigint, p_key text, p_opened jsonb,
  p_ids text[], p_opened_at timestamptz[], p_up bigint[], p_down bigint[], p_closed_at timestamptz[], p_close_reason text[]
) RETURNS karvon_posted LANGUAGE plpgsql AS $$
DECLARE
  growth karvon_growth;
  posted karvon_posted;
BEGIN
  IF p_opened <> '[]' THEN
    PERFORM karvon_open_sessions(batch.gateway_id, p_opened);
  END IF;
  growth := karvon_raise_totals(batch.gateway_id, batch.epoch, batch.sampled_at, p_ids, p_opened_at, p_up, p_down, p_closed_at, p_close_reason);
  posted.unknown_sessions := growth.unknown_sessions;
  posted.tx_id := p_tx;
  SELECT coalesce(sum(s.bytes), 0)::bigint, coalesce(array_agg(DISTINCT s.client_id), '{}') INTO posted.bytes, posted.clients FROM unnest(growth.spent) AS s;
  IF posted.bytes > 0 THEN
    IF p_tx IS NULL THEN
      INSERT INTO ledger_tx (idempotency_key, request_sha256, kind, actor)
      VALUES (p_key, batch.payload_sha256, 'usage', batch.gateway_id) RETURNING id INTO posted.tx_id;
    END IF;
    PERFORM karvon_post_growth(batch.gateway_id, batch.epoch, batch.sampled_at, posted.tx_id, growth);
  END IF;
  RETURN posted;
END $$;

-- Posts one report of one gateway: sessions, bytes, money, hours, balances, all or nothing, once.
CREATE OR REPLACE FUNCTION usage_flush(
  p_gateway text, p_epoch bigint, p_seq bigint, p_sampled_at timestamptz, p_payload_sha256 bytea, p_opened jsonb,
  p_ids text[], p_opened_at timestamptz[], p_up bigint[], p_down bigint[], p_closed_at timestamptz[], p_close_reason text[],
  OUT is_duplicate boolean, OUT posted_bytes bigint, OUT balances jsonb, OUT unknown_sessions text[]
) LANGUAGE plpgsql AS $$
DECLARE
  batch usage_batch;
  posted karvon_posted;
BEGIN
  batch := karvon_name_report(p_gateway, p_epoch, p_seq, p_sampled_at, p_payload_sha256, cardinality(p_ids));
  is_duplicate := batch.seq IS NULL;
  IF NOT is_duplicate THEN
    posted := karvon_post_sessions(batch, NULL, concat_ws(':', 'usage', p_gateway, p_epoch, p_seq), p_opened, p_ids, p_opened_at, p_up, p_down, p_closed_at, p_close_reason);
    batch.tx_id := posted.tx_id;
    batch.bytes := posted.bytes;
    PERFORM karvon_seal_report(batch);
  END IF;
  posted_bytes := coalesce(posted.bytes, 0);
  unknown_sessions := coalesce(posted.unknown_sessions, '{}');
  balances := karvon_balances(coalesce(posted.clients, '{}'));
END $$;

-- Dead letters ------------------------------------------------------------------------------------------------------------

-- The same for sessions that come as texts, {"opened": facts or null, "counter": {"id", "openedAt", "up", "down", "closedAt", "closeReason"} or null}:
-- what cannot even be read is refused here, where the caller can tell whose it is.
CREATE FUNCTION karvon_post_texts(batch usage_batch, p_tx bigint, p_key text, p_reports text[]) RETURNS karvon_posted LANGUAGE plpgsql AS $$
DECLARE
  opened jsonb;
  counters jsonb;
  ids text[];
  opened_at timestamptz[];
  up bigint[];
  down bigint[];
  closed_at timestamptz[];
  reasons text[];
BEGIN
  SELECT coalesce(jsonb_agg(r.report -> 'opened') FILTER (WHERE r.report ->> 'opened' IS NOT NULL), '[]'),
    coalesce(jsonb_agg(r.report -> 'counter') FILTER (WHERE r.report ->> 'counter' IS NOT NULL), '[]')
  INTO opened, counters FROM (SELECT t::jsonb AS report FROM unnest(p_reports) AS t) AS r;
  SELECT coalesce(array_agg(c."id"), '{}'), array_agg(c."openedAt"), array_agg(c."up"), array_agg(c."down"), array_agg(c."closedAt"), array_agg(c."closeReason")
  INTO ids, opened_at, up, down, closed_at, reasons
  FROM jsonb_to_recordset(counters) AS c ("id" text, "openedAt" timestamptz, "up" bigint, "down" bigint, "closedAt" timestamptz, "closeReason" text);
  RETURN karvon_post_sessions(batch, p_tx, p_key, opened, ids, opened_at, up, down, closed_at, reasons);
END $$;

-- Posts a report that usage_flush refused for a reason that will not pass: halves it until the sessions at fault stand alone, keeps
-- those as dead letters and posts all others. One transaction under the report's own name and hash: whoever got no answer sends the report
-- again, in either way, and nothing is posted or kept twice. Any other error (a deadlock, a connection, a time limit) undoes it all.
CREATE FUNCTION usage_flush_apart(
  p_gateway text, p_epoch bigint, p_seq bigint, p_sampled_at timestamptz, p_payload_sha256 bytea, p_session_ids text[], p_reports text[],
  OUT is_duplicate boolean, OUT posted_bytes bigint, OUT balances jsonb, OUT unknown_sessions text[], OUT dead_sessions text[]
) LANGUAGE plpgsql AS $$
DECLARE
  batch usage_batch;
  posted karvon_posted;
  clients text[] := '{}';
  firsts integer[] := ARRAY[1];
  lasts integer[] := ARRAY[cardinality(p_reports)];
  lo integer;
  hi integer;
  state text;
  message text;
BEGIN
  posted_bytes := 0;
  unknown_sessions := '{}';
  dead_sessions := '{}';
  batch := karvon_name_report(p_gateway, p_epoch, p_seq, p_sampled_at, p_payload_sha256, cardinality(p_session_ids));
  is_duplicate := batch.seq IS NULL;
  WHILE NOT is_duplicate AND cardinality(firsts) > 0 LOOP
    lo := firsts[1];
    hi := lasts[1];
    firsts := firsts[2:];
    lasts := lasts[2:];
    BEGIN
      posted := karvon_post_texts(batch, batch.tx_id, concat_ws(':', 'usage', p_gateway, p_epoch, p_seq), p_reports[lo:hi]);
      batch.tx_id := posted.tx_id;
      batch.bytes := batch.bytes + posted.bytes;
      clients := clients || posted.clients;
      unknown_sessions := unknown_sessions || posted.unknown_sessions;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR raise_exception OR SQLSTATE 'KV004' THEN
      IF lo < hi THEN
        firsts := ARRAY[lo, (lo + hi) / 2 + 1] || firsts;
        lasts := ARRAY[(lo + hi) / 2, hi] || lasts;
      ELSE
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        INSERT INTO usage_dead_letter (gateway_id, epoch, seq, session_id, sampled_at, report, sqlstate, message)
        VALUES (p_gateway, p_epoch, p_seq, p_session_ids[lo], p_sampled_at, p_reports[lo]::json, state, message);
        dead_sessions := dead_sessions || p_session_ids[lo];
      END IF;
    END;
  END LOOP;
  IF NOT is_duplicate THEN
    PERFORM karvon_seal_report(batch);
    posted_bytes := batch.bytes;
  END IF;
  balances := karvon_balances(clients);
END $$;

-- Posts a dead letter whose reason is mended, to the hour in which it was sampled and against the grants of its gateway's run. False when it was
-- posted before; raises the reason when it still stands.
CREATE FUNCTION usage_dead_letter_post(p_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  letter usage_dead_letter;
  batch usage_batch;
  posted karvon_posted;
BEGIN
  SELECT l.* INTO letter FROM usage_dead_letter AS l WHERE l.id = p_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no dead letter %', p_id USING ERRCODE = 'no_data_found';
  END IF;
  -- The gateway's row orders this with its reports; the letter is read again behind the lock.
  PERFORM FROM gateway AS g WHERE g.id = letter.gateway_id FOR NO KEY UPDATE;
  SELECT l.* INTO letter FROM usage_dead_letter AS l WHERE l.id = p_id;
  IF letter.posted_at IS NOT NULL THEN
    RETURN false;
  END IF;
  batch.gateway_id := letter.gateway_id;
  batch.epoch := letter.epoch;
  batch.sampled_at := letter.sampled_at;
  batch.payload_sha256 := sha256(convert_to(letter.report::text, 'UTF8'));
  posted := karvon_post_texts(batch, NULL, 'usage-letter:' || p_id, ARRAY[letter.report::text]);
  IF cardinality(posted.unknown_sessions) > 0 THEN
    RAISE EXCEPTION 'nothing is known of session % but its counters: post the letter with its facts first', letter.session_id USING ERRCODE = 'no_data_found';
  END IF;
  UPDATE usage_dead_letter AS l SET posted_at = clock_timestamp(), tx_id = posted.tx_id WHERE l.id = p_id;
  RETURN true;
END $$;

-- Reconciliation: bytes that were carried and are not charged show as faults of C3 until they are posted -----------------------

CREATE FUNCTION reconcile_dead_letter_fault() RETURNS TABLE ("check" text, subject text, detail text) LANGUAGE sql STABLE AS $$
  SELECT 'C3', 'session ' || l.session_id, format('not charged, dead letter %s: %s %s', l.id, l.sqlstate, l.message) FROM usage_dead_letter AS l WHERE l.posted_at IS NULL
$$;

ALTER FUNCTION reconcile_full_fault() RENAME TO reconcile_full_ledger_fault;
CREATE FUNCTION reconcile_full_fault() RETURNS TABLE ("check" text, subject text, detail text) LANGUAGE sql STABLE AS $$
  SELECT * FROM reconcile_full_ledger_fault() UNION ALL SELECT * FROM reconcile_dead_letter_fault()
$$;
ALTER FUNCTION reconcile_recent_fault(timestamptz) RENAME TO reconcile_recent_ledger_fault;
CREATE FUNCTION reconcile_recent_fault(since timestamptz) RETURNS TABLE ("check" text, subject text, detail text) LANGUAGE sql STABLE AS $$
  SELECT * FROM reconcile_recent_ledger_fault(since) UNION ALL SELECT * FROM reconcile_dead_letter_fault()
$$;
