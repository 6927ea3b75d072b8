-- The pay-as-you-go wallet: money that a client has in hand and that turns into bytes, in lots, when a gateway asks for more than
-- is left. A lot is one ledger transaction, made in the transaction of the grant that it is for; whatever happens behind it
-- (grants, reports, reconciliation) knows bytes and no wallet.
--
-- And volume tiers: a version of the price list may cost less from so many GB in a calendar month (UTC) on. The discount is
-- granted when bytes are bought, in money: a byte's worth in client_usd is always the version's price, which sessions are
-- charged by, and what the client did not pay of it comes from the promotion account.

-- AlterTable
ALTER TABLE "client" ADD COLUMN     "is_pay_as_you_go" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "wallet_cap_micro_usd" BIGINT;

-- CreateEnum
CREATE TYPE "OrderProduct" AS ENUM ('traffic', 'wallet');

-- AlterTable
ALTER TABLE "client_order" ADD COLUMN     "product" "OrderProduct" NOT NULL DEFAULT 'traffic',
ALTER COLUMN "price_id" DROP NOT NULL;

-- CreateTable
CREATE TABLE "price_tier" (
    "price_id" TEXT NOT NULL,
    "from_gb" INTEGER NOT NULL,
    "pico_usd_per_byte" BIGINT NOT NULL,

    CONSTRAINT "price_tier_pkey" PRIMARY KEY ("price_id","from_gb")
);

-- CreateTable
CREATE TABLE "wallet_lot" (
    "client_id" TEXT NOT NULL,
    "number" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "month" DATE NOT NULL,
    "price_id" TEXT NOT NULL,
    "pico_usd_per_byte" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "micro_usd" BIGINT NOT NULL,
    "month_bytes" BIGINT NOT NULL,
    "month_micro_usd" BIGINT NOT NULL,
    "tx_id" BIGINT NOT NULL,

    CONSTRAINT "wallet_lot_pkey" PRIMARY KEY ("client_id","number")
);

-- CreateIndex
CREATE UNIQUE INDEX "wallet_lot_tx_id_key" ON "wallet_lot"("tx_id");

-- AddForeignKey
ALTER TABLE "price_tier" ADD CONSTRAINT "price_tier_price_id_fkey" FOREIGN KEY ("price_id") REFERENCES "price"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wallet_lot" ADD CONSTRAINT "wallet_lot_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "client"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wallet_lot" ADD CONSTRAINT "wallet_lot_price_id_fkey" FOREIGN KEY ("price_id") REFERENCES "price"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wallet_lot" ADD CONSTRAINT "wallet_lot_tx_id_fkey" FOREIGN KEY ("tx_id") REFERENCES "ledger_tx"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Values -------------------------------------------------------------------------------------------------------------

ALTER TABLE "ledger_account"
  DROP CONSTRAINT "ledger_account_owner_check",
  ADD CONSTRAINT "ledger_account_owner_check" CHECK (("owner_id" = 'network') = ("kind" NOT IN ('client_bytes', 'client_usd', 'client_wallet', 'operator_payable')));
ALTER TABLE "client"
  ADD CONSTRAINT "client_wallet_cap_check" CHECK ("wallet_cap_micro_usd" BETWEEN 0 AND 1000000000000000);
ALTER TABLE "client_order"
  DROP CONSTRAINT "client_order_amounts_check",
  ADD CONSTRAINT "client_order_amounts_check" CHECK (
    CASE "product" WHEN 'traffic' THEN "bytes" > 0 AND "amount_micro_usd" >= 0 AND "price_id" IS NOT NULL
      ELSE "bytes" = 0 AND "amount_micro_usd" > 0 AND "price_id" IS NULL END);
ALTER TABLE "price_tier"
  ADD CONSTRAINT "price_tier_check" CHECK ("from_gb" > 0 AND "pico_usd_per_byte" >= 0);
-- The totals of the month are those of the lot before and this one; the first of a month begins anew.
ALTER TABLE "wallet_lot"
  ADD CONSTRAINT "wallet_lot_amounts_check" CHECK ("number" > 0 AND "bytes" > 0 AND "micro_usd" > 0 AND "month_bytes" >= "bytes" AND "month_micro_usd" >= "micro_usd");

CREATE TRIGGER "wallet_lot_append_only" BEFORE UPDATE OR DELETE ON "wallet_lot" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "wallet_lot_no_truncate" BEFORE TRUNCATE ON "wallet_lot" EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "price_tier_append_only" BEFORE UPDATE OR DELETE ON "price_tier" FOR EACH ROW EXECUTE FUNCTION karvon_refuse_change();
CREATE TRIGGER "price_tier_no_truncate" BEFORE TRUNCATE ON "price_tier" EXECUTE FUNCTION karvon_refuse_change();

-- Tiers are published with their version, like its rates, and each costs less than the one before it.
CREATE FUNCTION karvon_guard_tier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM price AS p
    WHERE p.id = NEW.price_id AND p.base_id IS NULL AND NEW.pico_usd_per_byte < p.pico_usd_per_byte
      AND p.xmin::text::bigint = (pg_current_xact_id()::text::bigint & 4294967295)
  ) OR EXISTS (
    SELECT FROM price_tier AS t WHERE t.price_id = NEW.price_id AND (t.from_gb < NEW.from_gb) <> (t.pico_usd_per_byte > NEW.pico_usd_per_byte)
  ) THEN
    RAISE EXCEPTION 'a tier is published with its version and costs less than what stands before it' USING ERRCODE = 'KV004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "price_tier_guarded" BEFORE INSERT ON "price_tier" FOR EACH ROW EXECUTE FUNCTION karvon_guard_tier();

-- karvon_guard_order as it was, and what was ordered is content too.
CREATE OR REPLACE FUNCTION karvon_guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.number, NEW.client_id, NEW.idempotency_key, NEW.product, NEW.price_id, NEW.bytes, NEW.amount_micro_usd, NEW.provider, NEW.currency,
      NEW.charge_minor, NEW.exchange_rate_id, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM (OLD.id, OLD.number, OLD.client_id, OLD.idempotency_key, OLD.product, OLD.price_id, OLD.bytes, OLD.amount_micro_usd, OLD.provider, OLD.currency,
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

-- What a client pays --------------------------------------------------------------------------------------------------

-- The first day of the month that runs, in UTC.
CREATE FUNCTION karvon_month() RETURNS date LANGUAGE sql STABLE AS $$
  SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date
$$;

-- What so many bytes cost, in micro-USD, rounded up: a part of a micro-USD is paid whole, once a purchase.
CREATE FUNCTION karvon_cost(bytes bigint, price bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT div(bytes::numeric * price + 999999, 1000000)::bigint
$$;

-- The bytes that are bought at a time; more when more is missing. At any price they cost whole micro-USD.
CREATE FUNCTION wallet_lot_bytes() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 100000000::bigint $$;

-- What a client bought in this month: packs that are paid and not refunded, and lots.
CREATE FUNCTION bought_this_month(p_client text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT sum(o.bytes) FROM client_order AS o
      WHERE o.client_id = p_client AND o.status = 'paid' AND o.paid_at >= date_trunc('month', now(), 'UTC')), 0)::bigint
    + coalesce((SELECT CASE WHEN l.month = karvon_month() THEN l.month_bytes END FROM wallet_lot AS l WHERE l.client_id = p_client ORDER BY l.number DESC LIMIT 1), 0)
$$;

-- The price of a version for who has that volume.
CREATE FUNCTION tier_price(p_price text, p_bytes bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT t.pico_usd_per_byte FROM price_tier AS t WHERE t.price_id = p_price AND t.from_gb * 1000000000::bigint <= p_bytes ORDER BY t.from_gb DESC LIMIT 1),
    (SELECT p.pico_usd_per_byte FROM price AS p WHERE p.id = p_price))
$$;

-- A client's wallet now: what is in it, what of it may be spent in this month, and how many bytes that is at the client's price.
-- The tier is that of what was bought before.
CREATE FUNCTION wallet_state(p_client text, OUT is_on boolean, OUT balance_micro_usd bigint, OUT cap_micro_usd bigint,
  OUT month_micro_usd bigint, OUT price_id text, OUT list_price bigint, OUT price bigint, OUT spendable_micro_usd bigint, OUT spendable_bytes bigint)
LANGUAGE sql STABLE AS $$
  SELECT c.is_pay_as_you_go, held.micro_usd, c.wallet_cap_micro_usd, spent.micro_usd, listed.id, listed.pico_usd_per_byte, paid.price, free.micro_usd,
    CASE WHEN paid.price > 0 THEN least(div(free.micro_usd::numeric * 1000000, paid.price), 1000000000000000)::bigint ELSE 0 END
  FROM client AS c
  CROSS JOIN LATERAL (SELECT coalesce((SELECT a.posted FROM ledger_account AS a WHERE a.kind = 'client_wallet' AND a.owner_id = c.id AND a.shard = 0), 0) AS micro_usd) AS held
  CROSS JOIN LATERAL (SELECT coalesce((SELECT CASE WHEN l.month = karvon_month() THEN l.month_micro_usd END
    FROM wallet_lot AS l WHERE l.client_id = c.id ORDER BY l.number DESC LIMIT 1), 0) AS micro_usd) AS spent
  LEFT JOIN LATERAL (SELECT p.id, p.pico_usd_per_byte FROM price AS p
    WHERE p.id = c.price_id OR c.price_id IS NULL AND p.is_listed AND p.valid_from <= now() ORDER BY p.valid_from DESC, p.id DESC LIMIT 1) AS listed ON true
  CROSS JOIN LATERAL (SELECT tier_price(listed.id, bought_this_month(c.id)) AS price) AS paid
  CROSS JOIN LATERAL (SELECT CASE WHEN c.is_pay_as_you_go THEN greatest(0, least(held.micro_usd, c.wallet_cap_micro_usd - spent.micro_usd)) ELSE 0 END AS micro_usd) AS free
  WHERE c.id = p_client
$$;

-- Lots ----------------------------------------------------------------------------------------------------------------

-- Whether the client pays as it goes; then its three accounts are there and locked, in order of their ids like everywhere.
CREATE FUNCTION wallet_lock(p_client text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM client AS c WHERE c.id = p_client AND c.is_pay_as_you_go) THEN
    RETURN false;
  END IF;
  INSERT INTO ledger_account (kind, asset, owner_id)
  SELECT k.kind, k.asset, p_client
  FROM (VALUES ('client_bytes'::"LedgerAccountKind", 'BYTE'::"LedgerAsset"), ('client_usd', 'USD6'), ('client_wallet', 'USD6')) AS k (kind, asset)
  WHERE NOT EXISTS (SELECT FROM ledger_account AS a WHERE a.kind = k.kind AND a.owner_id = p_client AND a.shard = 0)
  ORDER BY k.kind
  ON CONFLICT DO NOTHING;
  PERFORM FROM ledger_account AS a
  WHERE a.kind IN ('client_bytes', 'client_usd', 'client_wallet') AND a.owner_id = p_client AND a.shard = 0 ORDER BY a.id FOR NO KEY UPDATE;
  RETURN true;
END $$;

-- Buys what is missing, in whole lots or for the rest of what may be spent. The caller holds the wallet's lock. The key is that of
-- the grant's turn: with it a lot is bought once.
-- Answers the bytes bought, those that could be bought next, and what ends them: 'wallet', or 'spending_cap'.
CREATE FUNCTION wallet_refill(p_client text, p_key text, p_actor text, p_missing bigint, OUT bought bigint, OUT more bigint, OUT short_of text) LANGUAGE plpgsql AS $$
DECLARE
  wallet record;
  paid bigint;
  worth bigint;
  posted record;
BEGIN
  bought := 0;
  SELECT w.* INTO wallet FROM wallet_state(p_client) AS w;
  more := wallet.spendable_bytes;
  short_of := CASE WHEN wallet.balance_micro_usd > wallet.spendable_micro_usd THEN 'spending_cap' ELSE 'wallet' END;
  IF p_missing <= 0 OR more = 0 THEN
    RETURN;
  END IF;
  bought := least(div(p_missing::numeric + wallet_lot_bytes() - 1, wallet_lot_bytes()) * wallet_lot_bytes(), more)::bigint;
  paid := karvon_cost(bought, wallet.price);
  worth := karvon_cost(bought, wallet.list_price);
  SELECT t.tx_id, t.is_new INTO posted FROM ledger_post(p_key, 'wallet_lot', p_actor, NULL, jsonb_build_array(
    jsonb_build_object('kind', 'client_wallet', 'ownerId', p_client, 'amount', -paid, 'atLeast', 0),
    jsonb_build_object('kind', 'client_usd', 'ownerId', p_client, 'amount', worth),
    jsonb_build_object('kind', 'promotion', 'amount', paid - worth),
    jsonb_build_object('kind', 'bytes_issued', 'amount', -bought),
    jsonb_build_object('kind', 'client_bytes', 'ownerId', p_client, 'amount', bought))) AS t;
  IF NOT posted.is_new THEN
    bought := 0;
    RETURN;
  END IF;
  INSERT INTO wallet_lot (client_id, number, month, price_id, pico_usd_per_byte, bytes, micro_usd, month_bytes, month_micro_usd, tx_id)
  SELECT p_client, coalesce(max(l.number), 0) + 1, karvon_month(), wallet.price_id, wallet.price, bought, paid,
    coalesce(max(l.month_bytes), 0) + bought, wallet.month_micro_usd + paid, posted.tx_id
  FROM (SELECT l.number, CASE WHEN l.month = karvon_month() THEN l.month_bytes END AS month_bytes FROM wallet_lot AS l WHERE l.client_id = p_client ORDER BY l.number DESC LIMIT 1) AS l;
  more := more - bought;
END $$;

-- quota_take as it is, and a client that pays as it goes is sold what its unreserved bytes do not cover. What a lot brings is for the
-- gateway that asked; the shares of the others are as they were. Several migrations define it; this one knows only these places and
-- stops when it does not find them.
DO $$
DECLARE
  body text := pg_get_functiondef('quota_take'::regproc);
  part text[];
BEGIN
  FOREACH part SLICE 1 IN ARRAY ARRAY[
    [E'DECLARE\n', E'DECLARE\n  is_wallet boolean;\n  bought bigint := 0;\n  more bigint := 0;\n  scarce text := ''balance'';\n'],
    ['  SELECT a.* INTO account FROM', E'  is_wallet := wallet_lock(p_client);\n  SELECT a.* INTO account FROM'],
    ['  granted := covered + least(wanted, of_balance, of_cap)',
      $part$  IF is_wallet THEN
    SELECT r.bought, r.more, r.short_of INTO bought, more, scarce
    FROM wallet_refill(p_client, concat_ws(':', 'wallet', p_user, p_gateway, p_epoch, p_turn), p_gateway, least(wanted, of_cap) - free) AS r;
    free := free + bought;
    of_balance := greatest(0, least(free, of_balance + bought));
  END IF;
  granted := covered + least(wanted, of_balance, of_cap)$part$],
    ['ELSE ''balance'' END', 'ELSE scarce END'],
    ['is_final := least(free, ', 'is_final := least(free + more, ']]
  LOOP
    IF (length(body) - length(replace(body, part[1], ''))) <> length(part[1]) THEN
      RAISE EXCEPTION 'quota_take does not say "%" once', part[1];
    END IF;
    body := replace(body, part[1], part[2]);
  END LOOP;
  EXECUTE body;
END $$;
