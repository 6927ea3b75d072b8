-- Payments: who is asked to pay how much in which currency, what each provider said and when, and exchange rates.

-- AlterEnum
ALTER TYPE "PaymentProvider" ADD VALUE 'bank_transfer';

-- CreateTable
CREATE TABLE "exchange_rate" (
    "id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "minor_per_usd" BIGINT NOT NULL,
    "set_by" TEXT NOT NULL,
    "valid_from" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "exchange_rate_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "exchange_rate_currency_valid_from_idx" ON "exchange_rate"("currency", "valid_from" DESC);

-- AlterTable
ALTER TABLE "client_order" ADD COLUMN "number" BIGSERIAL NOT NULL,
ADD COLUMN "provider" "PaymentProvider",
ADD COLUMN "currency" CHAR(3) NOT NULL DEFAULT 'USD',
ADD COLUMN "charge_minor" BIGINT,
ADD COLUMN "exchange_rate_id" TEXT,
ADD COLUMN "pay_url" TEXT,
ADD COLUMN "expires_at" TIMESTAMPTZ(3),
ADD COLUMN "cancelled_at" TIMESTAMPTZ(3),
ADD COLUMN "refunded_at" TIMESTAMPTZ(3);

-- Orders from before were all the test provider's; their charge is their price in cents.
UPDATE "client_order" SET "provider" = 'test', "charge_minor" = (amount_micro_usd + 9999) / 10000, "expires_at" = "created_at" + interval '1 hour';

ALTER TABLE "client_order" ALTER COLUMN "provider" SET NOT NULL,
ALTER COLUMN "charge_minor" SET NOT NULL,
ALTER COLUMN "expires_at" SET NOT NULL,
ADD CONSTRAINT "client_order_exchange_rate_id_fkey" FOREIGN KEY ("exchange_rate_id") REFERENCES "exchange_rate"("id") ON DELETE SET NULL ON UPDATE CASCADE;
CREATE UNIQUE INDEX "client_order_number_key" ON "client_order"("number");
CREATE INDEX "client_order_status_created_at_idx" ON "client_order"("status", "created_at" DESC);

ALTER TABLE "payment" ADD COLUMN "number" BIGSERIAL NOT NULL,
ADD COLUMN "charge_minor" BIGINT,
ADD COLUMN "capture_ref" TEXT,
ADD COLUMN "provider_at" TIMESTAMPTZ(3),
ADD COLUMN "cancelled_at" TIMESTAMPTZ(3),
ADD COLUMN "cancel_reason" INTEGER;
UPDATE "payment" SET "charge_minor" = (amount_micro_usd + 9999) / 10000;
ALTER TABLE "payment" ALTER COLUMN "charge_minor" SET NOT NULL;
CREATE UNIQUE INDEX "payment_number_key" ON "payment"("number");
CREATE UNIQUE INDEX "payment_provider_capture_ref_key" ON "payment"("provider", "capture_ref");
CREATE INDEX "payment_provider_provider_at_idx" ON "payment"("provider", "provider_at");

-- Values -------------------------------------------------------------------------------------------------------------

ALTER TABLE "exchange_rate"
  ADD CONSTRAINT "exchange_rate_check" CHECK ("currency" ~ '^[A-Z]{3}$' AND "minor_per_usd" BETWEEN 1 AND 1000000000000);
ALTER TABLE "client_order"
  ADD CONSTRAINT "client_order_charge_check" CHECK ("charge_minor" >= 0 AND "currency" ~ '^[A-Z]{3}$'),
  -- A charge in another currency than the price says by which rate it was made.
  ADD CONSTRAINT "client_order_rate_check" CHECK (("currency" = 'USD') = ("exchange_rate_id" IS NULL)),
  ADD CONSTRAINT "client_order_times_check" CHECK (
    ("status" NOT IN ('paid', 'refunded') OR "paid_at" IS NOT NULL) AND ("status" IN ('paid', 'refunded') OR "paid_at" IS NULL)
    AND ("status" <> 'cancelled' OR "cancelled_at" IS NOT NULL) AND ("status" = 'refunded') = ("refunded_at" IS NOT NULL));
ALTER TABLE "payment"
  ADD CONSTRAINT "payment_charge_check" CHECK ("charge_minor" >= 0),
  ADD CONSTRAINT "payment_ref_check" CHECK (length("provider_ref") BETWEEN 1 AND 200),
  ADD CONSTRAINT "payment_times_check" CHECK (
    ("status" NOT IN ('succeeded', 'refunded') OR "settled_at" IS NOT NULL) AND ("status" NOT IN ('pending', 'failed') OR "settled_at" IS NULL)
    AND ("status" IN ('failed', 'refunded')) = ("cancelled_at" IS NOT NULL));

-- One payment settles an order, whatever providers say.
CREATE UNIQUE INDEX "payment_settles_once" ON "payment"("order_id") WHERE "status" IN ('succeeded', 'refunded');

-- States -------------------------------------------------------------------------------------------------------------

-- What was quoted is what is charged: an order keeps its content, and its state goes forward only. cancelled -> paid is money
-- that a provider took although the order had been given up: it is booked, never lost.
CREATE FUNCTION karvon_guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.number, NEW.client_id, NEW.idempotency_key, NEW.price_id, NEW.bytes, NEW.amount_micro_usd, NEW.provider, NEW.currency,
      NEW.charge_minor, NEW.exchange_rate_id, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM (OLD.id, OLD.number, OLD.client_id, OLD.idempotency_key, OLD.price_id, OLD.bytes, OLD.amount_micro_usd, OLD.provider, OLD.currency,
      OLD.charge_minor, OLD.exchange_rate_id, OLD.created_at, OLD.expires_at)
    OR (OLD.paid_at IS NOT NULL AND NEW.paid_at IS DISTINCT FROM OLD.paid_at)
    OR (OLD.pay_url IS NOT NULL AND NEW.pay_url IS DISTINCT FROM OLD.pay_url)
  THEN
    RAISE EXCEPTION 'the content of order % may not be changed', OLD.id USING ERRCODE = 'KV004';
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (('pending', 'paid'), ('pending', 'cancelled'), ('cancelled', 'paid'), ('paid', 'refunded')) THEN
    RAISE EXCEPTION 'order % may not go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'KV004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "client_order_guarded" BEFORE UPDATE ON "client_order" FOR EACH ROW EXECUTE FUNCTION karvon_guard_order();

-- The times are what repeated calls are answered with: each is written once.
CREATE FUNCTION karvon_guard_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.number, NEW.order_id, NEW.provider, NEW.provider_ref, NEW.amount_micro_usd, NEW.charge_minor, NEW.created_at, NEW.provider_at)
    IS DISTINCT FROM (OLD.id, OLD.number, OLD.order_id, OLD.provider, OLD.provider_ref, OLD.amount_micro_usd, OLD.charge_minor, OLD.created_at, OLD.provider_at)
    OR (OLD.settled_at IS NOT NULL AND NEW.settled_at IS DISTINCT FROM OLD.settled_at)
    OR (OLD.cancelled_at IS NOT NULL AND (NEW.cancelled_at, NEW.cancel_reason) IS DISTINCT FROM (OLD.cancelled_at, OLD.cancel_reason))
    OR (OLD.capture_ref IS NOT NULL AND NEW.capture_ref IS DISTINCT FROM OLD.capture_ref)
  THEN
    RAISE EXCEPTION 'the content of payment % may not be changed', OLD.id USING ERRCODE = 'KV004';
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (('pending', 'succeeded'), ('pending', 'failed'), ('succeeded', 'refunded')) THEN
    RAISE EXCEPTION 'payment % may not go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'KV004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "payment_guarded" BEFORE UPDATE ON "payment" FOR EACH ROW EXECUTE FUNCTION karvon_guard_payment();

CREATE TRIGGER "client_order_no_delete" BEFORE DELETE ON "client_order" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "payment_no_delete" BEFORE DELETE ON "payment" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "client_order_no_truncate" BEFORE TRUNCATE ON "client_order" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "payment_no_truncate" BEFORE TRUNCATE ON "payment" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "exchange_rate_append_only" BEFORE UPDATE OR DELETE ON "exchange_rate" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "exchange_rate_no_truncate" BEFORE TRUNCATE ON "exchange_rate" EXECUTE FUNCTION karvon_refuse_change();

-- At COMMIT: an order is paid if and only if the ledger has its transaction, and refunded only with that of its refund.
CREATE FUNCTION karvon_require_posting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  reached "OrderStatus" := (SELECT status FROM client_order WHERE id = NEW.id);
BEGIN
  IF (reached IN ('paid', 'refunded')) <> EXISTS (SELECT FROM ledger_tx WHERE idempotency_key = 'order:' || NEW.id)
    OR (reached = 'refunded') <> EXISTS (SELECT FROM ledger_tx WHERE idempotency_key = 'refund:' || NEW.id)
  THEN
    RAISE EXCEPTION 'order % is % but the ledger says otherwise', NEW.id, reached USING ERRCODE = 'KV005';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "client_order_posted" AFTER INSERT OR UPDATE ON "client_order" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION karvon_require_posting();
