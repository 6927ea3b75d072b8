-- Operator rate cards: what a version of the price list pays for exits of one country, of one kind of connection, or of both.
-- A rate is a price row below its version: same client price, same instant, its own operator price. Sessions name the row that
-- they are charged by, so flush and reconciliation need to know nothing of it.

-- AlterTable
ALTER TABLE "price" ADD COLUMN     "base_id" TEXT,
ADD COLUMN     "country" CHAR(2),
ADD COLUMN     "connection_type" TEXT;

-- CreateIndex
CREATE INDEX "price_base_id_idx" ON "price"("base_id");

-- AddForeignKey
ALTER TABLE "price" ADD CONSTRAINT "price_base_id_fkey" FOREIGN KEY ("base_id") REFERENCES "price"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- A rate is for something, is offered to nobody by itself, and stands once for each pair.
ALTER TABLE "price"
  ADD CONSTRAINT "price_rate_check" CHECK (("base_id" IS NULL) = ("country" IS NULL AND "connection_type" IS NULL) AND ("base_id" IS NULL OR NOT "is_listed")),
  ADD CONSTRAINT "price_country_check" CHECK ("country" ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT "price_connection_type_check" CHECK ("connection_type" IN ('mobile', 'wifi', 'residential'));
CREATE UNIQUE INDEX "price_rate_once" ON "price" ("base_id", coalesce("country", ''), coalesce("connection_type", ''));

-- A version is published whole: it gets no rate after its own transaction, so what a session earns never depends on when it is flushed.
CREATE FUNCTION karvon_guard_rate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM price AS b
    WHERE b.id = NEW.base_id AND b.base_id IS NULL AND b.pico_usd_per_byte = NEW.pico_usd_per_byte AND b.valid_from = NEW.valid_from
      AND b.xmin::text::bigint = (pg_current_xact_id()::text::bigint & 4294967295)
  ) THEN
    RAISE EXCEPTION 'a rate belongs to the version that is published with it' USING ERRCODE = 'KV004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "price_rate_guarded" BEFORE INSERT ON "price" FOR EACH ROW WHEN (NEW."base_id" IS NOT NULL) EXECUTE FUNCTION karvon_guard_rate();

DROP TRIGGER "price_fixed" ON "price";
CREATE TRIGGER "price_fixed" BEFORE UPDATE ON "price" FOR EACH ROW
  WHEN ((NEW."id", NEW."pico_usd_per_byte", NEW."operator_pico_usd_per_byte", NEW."valid_from", NEW."base_id", NEW."country", NEW."connection_type")
    IS DISTINCT FROM (OLD."id", OLD."pico_usd_per_byte", OLD."operator_pico_usd_per_byte", OLD."valid_from", OLD."base_id", OLD."country", OLD."connection_type"))
  EXECUTE FUNCTION karvon_refuse_change();

-- Gateways name the version; the session keeps the rate of its exit: the one for country and connection, else for the country,
-- else for the connection, else the version itself.
CREATE FUNCTION karvon_rate_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  rate text;
BEGIN
  SELECT p.id INTO rate FROM price AS p
  WHERE p.base_id = NEW.price_id AND coalesce(p.country = NEW.exit_country, p.country IS NULL)
    AND coalesce(p.connection_type = NEW.connection_type, p.connection_type IS NULL)
  ORDER BY p.country IS NULL, p.connection_type IS NULL LIMIT 1;
  NEW.price_id := coalesce(rate, NEW.price_id);
  RETURN NEW;
END $$;
CREATE TRIGGER "proxy_session_rated" BEFORE INSERT ON "proxy_session" FOR EACH ROW EXECUTE FUNCTION karvon_rate_session();
