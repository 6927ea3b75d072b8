-- Corrections and promotional credit: new entries only, each with a reason, and by two people above an amount.

-- CreateEnum
CREATE TYPE "CorrectionKind" AS ENUM ('correction', 'promotion');
CREATE TYPE "CorrectionStatus" AS ENUM ('proposed', 'posted', 'rejected');

-- CreateTable
CREATE TABLE "ledger_correction" (
    "id" TEXT NOT NULL,
    "kind" "CorrectionKind" NOT NULL,
    "client_id" TEXT,
    "operator_id" TEXT,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "micro_usd" BIGINT NOT NULL DEFAULT 0,
    "reason" TEXT NOT NULL,
    "status" "CorrectionStatus" NOT NULL DEFAULT 'proposed',
    "rejection" TEXT,
    "idempotency_key" TEXT NOT NULL,
    "proposed_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(3),

    CONSTRAINT "ledger_correction_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "ledger_correction_proposed_by_idempotency_key_key" ON "ledger_correction"("proposed_by", "idempotency_key");
CREATE INDEX "ledger_correction_status_created_at_idx" ON "ledger_correction"("status", "created_at" DESC);
CREATE INDEX "ledger_correction_decided_by_decided_at_idx" ON "ledger_correction"("decided_by", "decided_at");

-- AddForeignKey
ALTER TABLE "ledger_correction" ADD CONSTRAINT "ledger_correction_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "client"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "ledger_correction" ADD CONSTRAINT "ledger_correction_operator_id_fkey" FOREIGN KEY ("operator_id") REFERENCES "operator"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "ledger_correction" ADD CONSTRAINT "ledger_correction_proposed_by_fkey" FOREIGN KEY ("proposed_by") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "ledger_correction" ADD CONSTRAINT "ledger_correction_decided_by_fkey" FOREIGN KEY ("decided_by") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "ledger_correction"
  ADD CONSTRAINT "ledger_correction_owner_check" CHECK (num_nonnulls("client_id", "operator_id") = 1),
  ADD CONSTRAINT "ledger_correction_amount_check" CHECK (("bytes" <> 0 OR "micro_usd" <> 0) AND ("client_id" IS NOT NULL OR "bytes" = 0)),
  ADD CONSTRAINT "ledger_correction_promotion_check" CHECK ("kind" <> 'promotion' OR "client_id" IS NOT NULL AND "bytes" > 0 AND "micro_usd" >= 0),
  ADD CONSTRAINT "ledger_correction_reason_check" CHECK (length("reason") BETWEEN 3 AND 500),
  ADD CONSTRAINT "ledger_correction_key_check" CHECK (length("idempotency_key") BETWEEN 1 AND 200),
  ADD CONSTRAINT "ledger_correction_decided_check" CHECK (("decided_by" IS NULL) = ("status" = 'proposed') AND ("decided_at" IS NULL) = ("status" = 'proposed')
    AND ("rejection" IS NOT NULL) = ("status" = 'rejected'));

-- The named amounts: what one admin may post alone within 24 hours, in all, whichever way it goes.
CREATE FUNCTION correction_alone_max(OUT bytes bigint, OUT micro_usd bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT 20000000000, 50000000
$$;

-- Whether `p_admin` would go beyond that with one more. It locks the admin's row: of two at once, one sees the other.
CREATE FUNCTION correction_needs_two(p_admin text, p_bytes bigint, p_micro_usd bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  alone record;
BEGIN
  PERFORM FROM user_account AS u WHERE u.id = p_admin FOR NO KEY UPDATE;
  SELECT coalesce(sum(abs(c.bytes)), 0) + abs(p_bytes) AS bytes, coalesce(sum(abs(c.micro_usd)), 0) + abs(p_micro_usd) AS micro_usd INTO alone
  FROM ledger_correction AS c
  WHERE c.decided_by = p_admin AND c.proposed_by = p_admin AND c.status = 'posted' AND c.decided_at > clock_timestamp() - interval '24 hours';
  RETURN alone.bytes > (correction_alone_max()).bytes OR alone.micro_usd > (correction_alone_max()).micro_usd;
END $$;

-- proposed -> posted or rejected, once, by an active admin. What was proposed never changes.
CREATE FUNCTION karvon_guard_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'proposed' THEN
      RAISE EXCEPTION 'a correction begins as a proposal' USING ERRCODE = 'KV004';
    END IF;
  ELSIF OLD.status <> 'proposed' OR NEW.status = 'proposed'
    OR (NEW.id, NEW.kind, NEW.client_id, NEW.operator_id, NEW.bytes, NEW.micro_usd, NEW.reason, NEW.idempotency_key, NEW.proposed_by, NEW.created_at)
      IS DISTINCT FROM (OLD.id, OLD.kind, OLD.client_id, OLD.operator_id, OLD.bytes, OLD.micro_usd, OLD.reason, OLD.idempotency_key, OLD.proposed_by, OLD.created_at) THEN
    RAISE EXCEPTION 'correction % is %, and what was proposed does not change', OLD.id, OLD.status USING ERRCODE = 'KV004';
  END IF;
  IF NOT EXISTS (SELECT FROM user_account AS u WHERE u.id = coalesce(NEW.decided_by, NEW.proposed_by) AND u.role = 'admin' AND u.status = 'active') THEN
    RAISE EXCEPTION 'correction % needs the name of an active admin', NEW.id USING ERRCODE = 'KV006';
  END IF;
  IF NEW.status = 'posted' AND NEW.decided_by = NEW.proposed_by AND correction_needs_two(NEW.proposed_by, NEW.bytes, NEW.micro_usd) THEN
    RAISE EXCEPTION 'correction % needs a second admin', NEW.id USING ERRCODE = 'KV006';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "ledger_correction_guarded" BEFORE INSERT OR UPDATE ON "ledger_correction" FOR EACH ROW EXECUTE FUNCTION karvon_guard_correction();
CREATE TRIGGER "ledger_correction_no_delete" BEFORE DELETE ON "ledger_correction" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "ledger_correction_no_truncate" BEFORE TRUNCATE ON "ledger_correction" EXECUTE FUNCTION karvon_refuse_change();

-- At COMMIT the ledger holds of a correction what its row says when it is posted, and nothing before.
CREATE FUNCTION karvon_require_correction_money() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  now_is ledger_correction;
  held record;
BEGIN
  SELECT c.* INTO now_is FROM ledger_correction AS c WHERE c.id = NEW.id;
  SELECT coalesce(sum(e.amount) FILTER (WHERE a.asset = 'BYTE'), 0) AS bytes, coalesce(sum(e.amount) FILTER (WHERE a.asset = 'USD6'), 0) AS micro_usd INTO held
  FROM ledger_tx AS t JOIN ledger_entry AS e ON e.tx_id = t.id JOIN ledger_account AS a ON a.id = e.account_id
  WHERE t.kind = 'correction' AND t.idempotency_key = 'correction:' || now_is.id
    AND a.owner_id = coalesce(now_is.client_id, now_is.operator_id);
  IF (held.bytes, held.micro_usd) IS DISTINCT FROM (CASE now_is.status WHEN 'posted' THEN now_is.bytes ELSE 0 END::numeric,
      CASE now_is.status WHEN 'posted' THEN now_is.micro_usd ELSE 0 END::numeric) THEN
    RAISE EXCEPTION 'correction % is %, and the ledger holds % bytes and % micro-USD of it', now_is.id, now_is.status, held.bytes, held.micro_usd USING ERRCODE = 'KV005';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "ledger_correction_money" AFTER INSERT OR UPDATE ON "ledger_correction" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION karvon_require_correction_money();
