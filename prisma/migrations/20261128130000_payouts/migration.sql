-- Payouts: what operators ask to be paid, on its way through two pairs of hands. Nothing wrote this table before.

-- CreateEnum
CREATE TYPE "PayoutMethod" AS ENUM ('iban', 'uz_account');

-- AlterTable
ALTER TABLE "payout" ALTER COLUMN "method" TYPE "PayoutMethod" USING "method"::"PayoutMethod",
ADD COLUMN     "idempotency_key" TEXT NOT NULL,
ADD COLUMN     "destination" TEXT NOT NULL,
ADD COLUMN     "holder_name" TEXT NOT NULL,
ADD COLUMN     "reference" TEXT,
ADD COLUMN     "batch_id" TEXT,
ADD COLUMN     "checked_at" TIMESTAMPTZ(3),
ADD COLUMN     "checked_by" TEXT,
ADD COLUMN     "sent_at" TIMESTAMPTZ(3),
ADD COLUMN     "sent_by" TEXT,
ADD COLUMN     "settled_by" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "payout_operator_id_idempotency_key_key" ON "payout"("operator_id", "idempotency_key");
CREATE INDEX "payout_status_created_at_idx" ON "payout"("status", "created_at" DESC);

-- AddForeignKey
ALTER TABLE "payout" ADD CONSTRAINT "payout_checked_by_fkey" FOREIGN KEY ("checked_by") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "payout" ADD CONSTRAINT "payout_sent_by_fkey" FOREIGN KEY ("sent_by") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "payout" ADD CONSTRAINT "payout_settled_by_fkey" FOREIGN KEY ("settled_by") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Each step signs with a name and an instant, and no step without the ones before it. A failure needs words, a payment the bank's reference.
ALTER TABLE "payout"
  ADD CONSTRAINT "payout_key_check" CHECK (length("idempotency_key") BETWEEN 1 AND 200),
  ADD CONSTRAINT "payout_destination_check" CHECK (length("destination") BETWEEN 1 AND 64 AND length("holder_name") BETWEEN 1 AND 140),
  ADD CONSTRAINT "payout_two_people_check" CHECK ("checked_by" <> "sent_by"),
  ADD CONSTRAINT "payout_checked_check" CHECK (("checked_by" IS NULL) = ("checked_at" IS NULL)
    AND CASE "status" WHEN 'requested' THEN "checked_by" IS NULL WHEN 'failed' THEN true ELSE "checked_by" IS NOT NULL END),
  ADD CONSTRAINT "payout_sent_check" CHECK (("sent_by" IS NULL) = ("sent_at" IS NULL) AND ("sent_by" IS NULL) = ("batch_id" IS NULL)
    AND CASE WHEN "status" IN ('requested', 'checked') THEN "sent_by" IS NULL WHEN "status" = 'failed' THEN true ELSE "sent_by" IS NOT NULL END),
  ADD CONSTRAINT "payout_settled_check" CHECK (("settled_by" IS NULL) = ("settled_at" IS NULL) AND ("settled_by" IS NOT NULL) = ("status" IN ('paid', 'failed'))),
  ADD CONSTRAINT "payout_outcome_check" CHECK (("failure" IS NOT NULL) = ("status" = 'failed') AND coalesce(length("failure") >= 3, true)
    AND ("reference" IS NOT NULL) = ("status" = 'paid') AND coalesce(length("reference") >= 3, true));

-- requested -> checked -> sent -> paid, and failed from each of the first three. What was asked and who signed never changes.
CREATE FUNCTION karvon_guard_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'requested' THEN
      RAISE EXCEPTION 'a payout begins as a request' USING ERRCODE = 'KV004';
    END IF;
    RETURN NEW;
  END IF;
  IF (OLD.status, NEW.status) NOT IN (('requested', 'checked'), ('requested', 'failed'), ('checked', 'sent'), ('checked', 'failed'), ('sent', 'paid'), ('sent', 'failed')) THEN
    RAISE EXCEPTION 'a payout does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'KV004';
  END IF;
  IF (NEW.id, NEW.operator_id, NEW.idempotency_key, NEW.amount_micro_usd, NEW.method, NEW.destination, NEW.holder_name, NEW.created_at)
      IS DISTINCT FROM (OLD.id, OLD.operator_id, OLD.idempotency_key, OLD.amount_micro_usd, OLD.method, OLD.destination, OLD.holder_name, OLD.created_at)
    OR NEW.status <> 'checked' AND (NEW.checked_by, NEW.checked_at) IS DISTINCT FROM (OLD.checked_by, OLD.checked_at)
    OR NEW.status <> 'sent' AND (NEW.sent_by, NEW.sent_at, NEW.batch_id) IS DISTINCT FROM (OLD.sent_by, OLD.sent_at, OLD.batch_id) THEN
    RAISE EXCEPTION 'what was asked for payout % and who signed it does not change', OLD.id USING ERRCODE = 'KV004';
  END IF;
  -- Staff signs each step; only the operator may take back a request that nobody has checked.
  IF NOT EXISTS (
    SELECT FROM user_account AS u
    WHERE u.id = CASE NEW.status WHEN 'checked' THEN NEW.checked_by WHEN 'sent' THEN NEW.sent_by ELSE NEW.settled_by END
      AND (u.role = 'admin' AND u.status = 'active'
        OR OLD.status = 'requested' AND NEW.status = 'failed' AND u.id = (SELECT o.user_id FROM operator AS o WHERE o.id = OLD.operator_id))
  ) THEN
    RAISE EXCEPTION 'payout % needs the name of an active admin', OLD.id USING ERRCODE = 'KV006';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "payout_guarded" BEFORE INSERT OR UPDATE ON "payout" FOR EACH ROW EXECUTE FUNCTION karvon_guard_payout();
CREATE TRIGGER "payout_no_delete" BEFORE DELETE ON "payout" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "payout_no_truncate" BEFORE TRUNCATE ON "payout" EXECUTE FUNCTION karvon_refuse_change();

-- At COMMIT the ledger holds of a payout what its status says: reserved while it is open, given back when it failed, gone when
-- it is paid. The three transactions have the payout's own keys, which never expire, so none can be posted twice.
CREATE FUNCTION karvon_require_payout_money() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  now_is payout;
  held record;
BEGIN
  SELECT p.* INTO now_is FROM payout AS p WHERE p.id = NEW.id;
  SELECT coalesce(sum(e.amount) FILTER (WHERE a.kind = 'operator_payable' AND a.owner_id = now_is.operator_id), 0) AS payable,
    coalesce(sum(e.amount) FILTER (WHERE a.kind = 'payout_clearing'), 0) AS clearing,
    coalesce(sum(e.amount) FILTER (WHERE a.kind = 'payment_clearing'), 0) AS outside
  INTO held
  FROM ledger_tx AS t JOIN ledger_entry AS e ON e.tx_id = t.id JOIN ledger_account AS a ON a.id = e.account_id
  WHERE t.kind = 'payout' AND t.idempotency_key IN ('payout:' || now_is.id || ':reserve', 'payout:' || now_is.id || ':return', 'payout:' || now_is.id || ':close');
  IF (held.payable, held.clearing, held.outside) IS DISTINCT FROM (
    CASE now_is.status WHEN 'failed' THEN 0 ELSE -now_is.amount_micro_usd END::numeric,
    CASE WHEN now_is.status IN ('paid', 'failed') THEN 0 ELSE now_is.amount_micro_usd END::numeric,
    CASE now_is.status WHEN 'paid' THEN now_is.amount_micro_usd ELSE 0 END::numeric) THEN
    RAISE EXCEPTION 'payout % is %, and the ledger holds % payable, % clearing, % paid of it', now_is.id, now_is.status, held.payable, held.clearing, held.outside
      USING ERRCODE = 'KV005';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "payout_money" AFTER INSERT OR UPDATE ON "payout" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION karvon_require_payout_money();
