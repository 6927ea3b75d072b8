-- What no program may get wrong, however it reaches the database: value checks, append-only tables, balanced transactions,
-- counters that only grow, and the audit log's hash chain.
--
-- Traffic tables carry few checks: one refused row would hold up a gateway's whole report, so usage_flush cleans instead.
--
-- Error codes of Karvon's own: KV001 idempotency key used for another request, KV002 balance too low, KV003 usage report
-- differs from the one posted under its name, KV004 row may not be changed, KV005 transaction does not balance.

-- Values -------------------------------------------------------------------------------------------------------------

ALTER TABLE "user_account"
  ADD CONSTRAINT "user_account_email_check" CHECK ("email" = lower("email") AND "email" ~ '^[^@\s]+@[^@\s]+$' AND length("email") <= 254),
  ADD CONSTRAINT "user_account_password_check" CHECK ("role" <> 'admin' OR "password_hash" IS NULL);
ALTER TABLE "otp_challenge"
  ADD CONSTRAINT "otp_challenge_email_check" CHECK ("email" = lower("email")),
  ADD CONSTRAINT "otp_challenge_attempts_check" CHECK ("attempts" >= 0),
  ADD CONSTRAINT "otp_challenge_expiry_check" CHECK ("expires_at" > "created_at");
ALTER TABLE "client"
  ADD CONSTRAINT "client_kyc_tier_check" CHECK ("kyc_tier" BETWEEN 0 AND 3),
  ADD CONSTRAINT "client_concurrency_max_check" CHECK ("concurrency_max" BETWEEN 0 AND 1000000);
ALTER TABLE "proxy_user"
  ADD CONSTRAINT "proxy_user_username_check" CHECK ("username" ~ '^[a-z0-9]{4,32}$'),
  ADD CONSTRAINT "proxy_user_secret_hash_check" CHECK (octet_length("secret_hash") = 32),
  ADD CONSTRAINT "proxy_user_concurrency_max_check" CHECK ("concurrency_max" BETWEEN 0 AND 1000000),
  ADD CONSTRAINT "proxy_user_traffic_limit_check" CHECK ("traffic_limit_bytes" >= 0),
  ADD CONSTRAINT "proxy_user_used_bytes_check" CHECK ("used_bytes" >= 0);
ALTER TABLE "node"
  ADD CONSTRAINT "node_label_check" CHECK (length("label") BETWEEN 1 AND 120);
ALTER TABLE "node_key"
  ADD CONSTRAINT "node_key_fingerprint_check" CHECK (octet_length("fingerprint") = 32),
  ADD CONSTRAINT "node_key_session_seq_check" CHECK ("session_seq" >= 0);
ALTER TABLE "node_presence"
  ADD CONSTRAINT "node_presence_country_check" CHECK ("country" ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT "node_presence_battery_check" CHECK ("battery_percent" BETWEEN 0 AND 100),
  ADD CONSTRAINT "node_presence_streams_check" CHECK ("open_streams" >= 0),
  ADD CONSTRAINT "node_presence_day_bytes_check" CHECK ("day_bytes" >= 0 AND "day_limit_bytes" >= 0);
ALTER TABLE "enrolment_token"
  ADD CONSTRAINT "enrolment_token_hash_check" CHECK (octet_length("token_hash") = 32),
  ADD CONSTRAINT "enrolment_token_used_check" CHECK (("used_at" IS NULL) = ("used_by_node_id" IS NULL));
ALTER TABLE "consent_receipt"
  ADD CONSTRAINT "consent_receipt_text_check" CHECK (octet_length("text_sha256") = 32),
  ADD CONSTRAINT "consent_receipt_withdrawn_check" CHECK ("withdrawn_at" >= "recorded_at");
ALTER TABLE "heartbeat"
  ADD CONSTRAINT "heartbeat_battery_check" CHECK ("battery_percent" BETWEEN 0 AND 100),
  ADD CONSTRAINT "heartbeat_counts_check" CHECK ("open_streams" >= 0 AND "day_bytes" >= 0);
ALTER TABLE "ip_assessment"
  ADD CONSTRAINT "ip_assessment_country_check" CHECK ("country" ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT "ip_assessment_reasons_check" CHECK (jsonb_typeof("reasons") = 'array');
ALTER TABLE "price"
  ADD CONSTRAINT "price_positive_check" CHECK ("pico_usd_per_byte" >= 0 AND "operator_pico_usd_per_byte" BETWEEN 0 AND "pico_usd_per_byte");
ALTER TABLE "client_order"
  ADD CONSTRAINT "client_order_amounts_check" CHECK ("bytes" > 0 AND "amount_micro_usd" >= 0),
  ADD CONSTRAINT "client_order_key_check" CHECK (length("idempotency_key") BETWEEN 1 AND 200);
ALTER TABLE "payment"
  ADD CONSTRAINT "payment_amount_check" CHECK ("amount_micro_usd" >= 0);
ALTER TABLE "payout"
  ADD CONSTRAINT "payout_amount_check" CHECK ("amount_micro_usd" > 0);
ALTER TABLE "ledger_account"
  ADD CONSTRAINT "ledger_account_reserved_check" CHECK ("reserved" >= 0),
  ADD CONSTRAINT "ledger_account_version_check" CHECK ("version" >= 0),
  ADD CONSTRAINT "ledger_account_shard_check" CHECK ("shard" BETWEEN 0 AND 15),
  ADD CONSTRAINT "ledger_account_owner_check" CHECK (("owner_id" = 'network') = ("kind" NOT IN ('client_bytes', 'client_usd', 'operator_payable'))),
  ADD CONSTRAINT "ledger_account_asset_check" CHECK (("asset" = 'BYTE') = ("kind" IN ('client_bytes', 'bytes_issued', 'bytes_carried', 'overrun')));
ALTER TABLE "ledger_tx"
  ADD CONSTRAINT "ledger_tx_key_check" CHECK (length("idempotency_key") BETWEEN 1 AND 300),
  ADD CONSTRAINT "ledger_tx_request_check" CHECK (octet_length("request_sha256") = 32);
ALTER TABLE "ledger_entry"
  ADD CONSTRAINT "ledger_entry_amount_check" CHECK ("amount" <> 0),
  ADD CONSTRAINT "ledger_entry_version_check" CHECK ("account_version" > 0);
ALTER TABLE "quota_grant"
  ADD CONSTRAINT "quota_grant_used_check" CHECK ("granted" > 0 AND "used" BETWEEN 0 AND "granted"),
  ADD CONSTRAINT "quota_grant_state_check" CHECK ("state" IN ('open', 'settled', 'lost'));
ALTER TABLE "reconcile_run"
  ADD CONSTRAINT "reconcile_run_bad_count_check" CHECK ("bad_count" >= 0);
ALTER TABLE "gateway"
  ADD CONSTRAINT "gateway_counters_check" CHECK ("epoch" > 0 AND "seq" >= 0);
ALTER TABLE "usage_batch"
  ADD CONSTRAINT "usage_batch_counters_check" CHECK ("epoch" > 0 AND "seq" > 0 AND "bytes" >= 0 AND "session_count" >= 0);
ALTER TABLE "proxy_session"
  ADD CONSTRAINT "proxy_session_bytes_check" CHECK ("up_bytes" >= 0 AND "down_bytes" >= 0),
  ADD CONSTRAINT "proxy_session_money_check" CHECK ("earned_micro_usd" BETWEEN 0 AND "due_micro_usd"),
  ADD CONSTRAINT "proxy_session_country_check" CHECK ("exit_country" ~ '^[A-Z]{2}$');
ALTER TABLE "usage_hour"
  ADD CONSTRAINT "usage_hour_bytes_check" CHECK ("up_bytes" >= 0 AND "down_bytes" >= 0),
  ADD CONSTRAINT "usage_hour_money_check" CHECK ("due_micro_usd" >= 0 AND "earned_micro_usd" >= 0),
  ADD CONSTRAINT "usage_hour_hour_check" CHECK (extract(epoch FROM "hour")::bigint % 3600 = 0);
ALTER TABLE "control_epoch"
  ADD CONSTRAINT "control_epoch_single_check" CHECK ("id" = 1);
ALTER TABLE "block_rule"
  ADD CONSTRAINT "block_rule_pattern_check" CHECK (length("pattern") BETWEEN 1 AND 253 AND "pattern" = lower("pattern"));

-- Append-only tables -------------------------------------------------------------------------------------------------

CREATE FUNCTION karvon_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'KV004';
END $$;

CREATE TRIGGER "ledger_entry_append_only" BEFORE UPDATE OR DELETE ON "ledger_entry" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "ledger_tx_append_only" BEFORE UPDATE OR DELETE ON "ledger_tx" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "audit_log_append_only" BEFORE UPDATE OR DELETE ON "audit_log" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "usage_batch_no_delete" BEFORE DELETE ON "usage_batch" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "ledger_account_no_delete" BEFORE DELETE ON "ledger_account" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "price_no_delete" BEFORE DELETE ON "price" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();

CREATE TRIGGER "ledger_tx_no_truncate" BEFORE TRUNCATE ON "ledger_tx" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "audit_log_no_truncate" BEFORE TRUNCATE ON "audit_log" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "usage_batch_no_truncate" BEFORE TRUNCATE ON "usage_batch" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "ledger_account_no_truncate" BEFORE TRUNCATE ON "ledger_account" EXECUTE FUNCTION karvon_refuse_change();

-- A batch is written open, before anything is known about it, and sealed once by the transaction that posts it.
CREATE TRIGGER "usage_batch_sealed" BEFORE UPDATE ON "usage_batch" FOR EACH ROW
  WHEN (OLD."hash" IS NOT NULL OR NEW."hash" IS NULL
    OR (NEW."gateway_id", NEW."epoch", NEW."seq", NEW."sampled_at", NEW."session_count") IS DISTINCT FROM (OLD."gateway_id", OLD."epoch", OLD."seq", OLD."sampled_at", OLD."session_count"))
  EXECUTE FUNCTION karvon_refuse_change();

-- A posted price is what clients were told: only whether it is listed may change.
CREATE TRIGGER "price_fixed" BEFORE UPDATE ON "price" FOR EACH ROW
  WHEN ((NEW."id", NEW."pico_usd_per_byte", NEW."operator_pico_usd_per_byte", NEW."valid_from") IS DISTINCT FROM (OLD."id", OLD."pico_usd_per_byte", OLD."operator_pico_usd_per_byte", OLD."valid_from"))
  EXECUTE FUNCTION karvon_refuse_change();

-- A balance moves only together with an entry, and every entry takes a new version.
CREATE FUNCTION karvon_refuse_bare_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the balance of ledger account % moves only by an entry', OLD."id" USING ERRCODE = 'KV004';
END $$;
CREATE TRIGGER "ledger_account_by_entry" BEFORE UPDATE ON "ledger_account" FOR EACH ROW
  WHEN (NEW."posted" <> OLD."posted" AND NEW."version" <> OLD."version" + 1
    OR (NEW."id", NEW."kind", NEW."asset", NEW."owner_id", NEW."shard") IS DISTINCT FROM (OLD."id", OLD."kind", OLD."asset", OLD."owner_id", OLD."shard"))
  EXECUTE FUNCTION karvon_refuse_bare_balance();

-- Counters that only grow --------------------------------------------------------------------------------------------

CREATE FUNCTION karvon_refuse_shrinking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the counters of % never shrink', TG_TABLE_NAME USING ERRCODE = 'KV004';
END $$;
CREATE TRIGGER "proxy_session_monotone" BEFORE UPDATE ON "proxy_session" FOR EACH ROW
  WHEN (NEW."up_bytes" < OLD."up_bytes" OR NEW."down_bytes" < OLD."down_bytes" OR NEW."due_micro_usd" < OLD."due_micro_usd" OR NEW."earned_micro_usd" < OLD."earned_micro_usd")
  EXECUTE FUNCTION karvon_refuse_shrinking();
CREATE TRIGGER "node_key_monotone" BEFORE UPDATE ON "node_key" FOR EACH ROW
  WHEN (NEW."session_seq" < OLD."session_seq")
  EXECUTE FUNCTION karvon_refuse_shrinking();

-- Balanced transactions ----------------------------------------------------------------------------------------------

-- At COMMIT the entries of every new transaction sum to zero in each asset.
CREATE FUNCTION karvon_require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  SELECT asset, sum(amount) AS rest INTO bad FROM ledger_entry WHERE tx_id = NEW.id GROUP BY asset HAVING sum(amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger transaction % is out of balance by % %', NEW.id, bad.rest, bad.asset USING ERRCODE = 'KV005';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "ledger_tx_balanced" AFTER INSERT ON "ledger_tx" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION karvon_require_balance();

-- The check above runs once, when its transaction commits: a committed transaction therefore takes no more entries.
-- A row that is visible while its writer is still in progress was written by ourselves (or by a savepoint of ours).
CREATE FUNCTION karvon_refuse_late_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  now_id bigint := pg_current_xact_id()::text::bigint;
  late record;
BEGIN
  SELECT t.id INTO late
  FROM (SELECT DISTINCT tx_id FROM added) AS a
  JOIN ledger_tx AS t ON t.id = a.tx_id
  CROSS JOIN LATERAL (SELECT (now_id & ~4294967295::bigint) | t.xmin::text::bigint AS wide) AS w
  WHERE pg_xact_status((CASE WHEN w.wide > now_id + 2147483647 THEN w.wide - 4294967296 ELSE w.wide END)::text::xid8) IS DISTINCT FROM 'in progress'
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger transaction % is committed and takes no more entries', late.id USING ERRCODE = 'KV004';
  END IF;
  RETURN NULL;
END $$;

-- Statement triggers are not inherited by partitions, and a partition can be named directly: each gets its own.
DO $$
DECLARE
  part text;
BEGIN
  FOREACH part IN ARRAY ARRAY['ledger_entry', 'ledger_entry_p0', 'ledger_entry_p1', 'ledger_entry_p2', 'ledger_entry_p3',
    'ledger_entry_p4', 'ledger_entry_p5', 'ledger_entry_p6', 'ledger_entry_p7']
  LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION karvon_refuse_change()', part || '_no_truncate', part);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION karvon_refuse_late_entry()',
      part || '_on_time', part);
  END LOOP;
END $$;

-- The audit log's chain ----------------------------------------------------------------------------------------------

-- A JSON array keeps the fields apart whatever they contain; the instant is a number, so no time zone can change the hash.
CREATE FUNCTION karvon_audit_hash(previous bytea, entry audit_log) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(previous || convert_to(jsonb_build_array(entry.seq, (extract(epoch FROM entry.at) * 1000)::bigint, entry.actor_id, entry.actor_role,
    entry.action, entry.subject_id, entry.reason, entry.detail, entry.ip_address)::text, 'UTF8'))
$$;

-- One writer at a time, until its commit: the chain has no forks and `seq` no gaps, so a removed row shows.
-- The same lock stands before control_epoch. Write the data first, then audit, then notify.
CREATE FUNCTION karvon_chain_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  previous record;
BEGIN
  PERFORM pg_advisory_xact_lock(72707002);
  SELECT seq, hash INTO previous FROM audit_log ORDER BY seq DESC LIMIT 1;
  NEW.seq := coalesce(previous.seq, 0) + 1;
  NEW.at := date_trunc('milliseconds', clock_timestamp());
  NEW.previous_hash := coalesce(previous.hash, decode(repeat('00', 32), 'hex'));
  NEW.hash := karvon_audit_hash(NEW.previous_hash, NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER "audit_log_chained" BEFORE INSERT ON "audit_log" FOR EACH ROW EXECUTE FUNCTION karvon_chain_audit();

-- Reads the whole chain. `first_bad_seq` is the first row that was changed, or the first after a row that is missing.
CREATE FUNCTION audit_verify(OUT rows bigint, OUT ok boolean, OUT first_bad_seq bigint) LANGUAGE sql STABLE AS $$
  WITH chain AS (
    SELECT l.seq, l.previous_hash, l.hash, karvon_audit_hash(l.previous_hash, l) AS wanted_hash,
      lag(l.hash, 1, decode(repeat('00', 32), 'hex')) OVER by_seq AS wanted_previous,
      lag(l.seq, 1, 0::bigint) OVER by_seq + 1 AS wanted_seq
    FROM audit_log AS l WINDOW by_seq AS (ORDER BY l.seq)
  )
  SELECT count(*), coalesce(bool_and(good), true), min(seq) FILTER (WHERE NOT good)
  FROM (SELECT seq, seq = wanted_seq AND previous_hash = wanted_previous AND hash = wanted_hash AS good FROM chain) AS judged
$$;

-- Control ------------------------------------------------------------------------------------------------------------

INSERT INTO "control_epoch" ("id", "epoch") VALUES (1, 0);

-- Tells every gateway, at commit, that something changed which it must obey. Gateways that miss the message see the epoch.
CREATE FUNCTION karvon_notify(kind text, id text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  reached bigint;
BEGIN
  IF kind NOT IN ('client', 'proxy_user', 'node', 'session', 'block_rule') THEN
    RAISE EXCEPTION 'karvon_notify knows no kind %', kind USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(72707002);
  UPDATE control_epoch AS c SET epoch = c.epoch + 1 WHERE c.id = 1 RETURNING c.epoch INTO reached;
  PERFORM pg_notify('karvon_control', jsonb_build_object('kind', kind, 'id', id, 'epoch', reached)::text);
  RETURN reached;
END $$;
