-- What a refund holds of its order's traffic while the provider is asked, and the same arithmetic for charges and their check.

-- AlterTable
ALTER TABLE "client_order" ADD COLUMN     "refund_holds" INTEGER NOT NULL DEFAULT 0;

-- C6 said floor(x / 1000000) of numerics, which keep some sixteen digits; the flush cuts off exactly. One function says it now.
DO $$
DECLARE
  body text := pg_get_functiondef('reconcile_recent_fault'::regproc);
  view_text text := pg_get_viewdef('reconcile_fault'::regclass);
  once CONSTANT text := 'floor\((?:[^,]*?)p\.(operator_pico_usd_per_byte|pico_usd_per_byte)(?:\)::numeric\))? / (?:\(1000000\)::numeric\)|1000000)\)';
BEGIN
  IF regexp_count(body, once) <> 2 OR regexp_count(view_text, once) <> 2 THEN
    RAISE EXCEPTION 'C6 does not say twice what a session owes: % and %', regexp_count(body, once), regexp_count(view_text, once);
  END IF;
  EXECUTE regexp_replace(body, once, 'karvon_owed(s.up_bytes, s.down_bytes, p.\1)', 'g');
  EXECUTE 'CREATE OR REPLACE VIEW reconcile_fault AS ' || regexp_replace(view_text, once, 'karvon_owed(s.up_bytes, s.down_bytes, p.\1)', 'g');
END $$;
