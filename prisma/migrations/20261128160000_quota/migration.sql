-- Byte grants: what a gateway may carry for a proxy user before it asks again, taken out of the account's free balance.
--
-- One row for each proxy user, gateway and run of it; `granted` and `used` are totals that only the owner's account lock lets
-- change. An open row reserves granted - used in its account (check C5), so no number of gateways can spend a byte twice.
-- Every call states totals ("I have carried so much, I want so much in hand"), and its turn: a call that arrives twice or
-- late changes nothing.
--
-- Lock order, the whole of it: gateway row, sessions, client and operator accounts by id, platform accounts by id, grants,
-- proxy users by id, hours by key, then (panels only) the audit log's lock and control_epoch. Grants are read and written
-- only behind the lock of their account, so they need none of their own.

-- AlterTable
ALTER TABLE "client" ADD COLUMN     "interim_credit_bytes" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "quota_grant" ADD COLUMN     "proxy_user_id" TEXT NOT NULL,
ADD COLUMN     "turn" BIGINT NOT NULL DEFAULT 0;

-- CreateIndex
CREATE UNIQUE INDEX "quota_grant_proxy_user_id_gateway_id_epoch_key" ON "quota_grant"("proxy_user_id", "gateway_id", "epoch");

-- AddForeignKey
ALTER TABLE "quota_grant" ADD CONSTRAINT "quota_grant_proxy_user_id_fkey" FOREIGN KEY ("proxy_user_id") REFERENCES "proxy_user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Nothing of a grant may be left when it is given back.
ALTER TABLE "quota_grant"
  DROP CONSTRAINT "quota_grant_used_check",
  ADD CONSTRAINT "quota_grant_used_check" CHECK ("used" BETWEEN 0 AND "granted" AND "turn" >= 0);
ALTER TABLE "client"
  ADD CONSTRAINT "client_interim_credit_check" CHECK ("interim_credit_bytes" BETWEEN 0 AND 1000000000000);

-- Most rows are settled ones of runs that are over.
CREATE INDEX "quota_grant_open" ON "quota_grant" ("account_id") WHERE "state" = 'open';

-- How much of `free` (null is no limit) one of several gateways gets: less and less as it runs out, but nothing below `smallest` while there is as much.
CREATE FUNCTION karvon_share(free bigint, others bigint, smallest bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT greatest(0, free / (others + 2), least(free, smallest))
$$;

-- Tops up what a gateway holds for a proxy user to `p_want` bytes, as far as the balance and the user's own limit go.
--
-- `p_spent`: bytes of this user that this run has carried, in total; null for a gateway that begins with the user and holds
-- nothing. What was spent is covered whatever is left. `p_turn` counts up with every call of the run.
-- Answers the total granted and the total posted, and what was short when less was granted than wanted: 'balance' or 'limit'.
CREATE FUNCTION quota_take(p_client text, p_user text, p_gateway text, p_epoch bigint, p_turn bigint, p_spent bigint, p_want bigint, p_min bigint DEFAULT 262144,
  OUT granted bigint, OUT used bigint, OUT short_of text, OUT is_final boolean) LANGUAGE plpgsql AS $$
DECLARE
  account ledger_account;
  own quota_grant;
  holder record;
  covered bigint;
  wanted bigint;
  of_balance bigint;
  of_limit bigint;
  free bigint;
  room bigint;
BEGIN
  granted := 0;
  used := 0;
  is_final := true;
  short_of := 'balance';
  SELECT a.* INTO account FROM ledger_account AS a WHERE a.kind = 'client_bytes' AND a.owner_id = p_client AND a.shard = 0 FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT q.* INTO own FROM quota_grant AS q WHERE q.proxy_user_id = p_user AND q.gateway_id = p_gateway AND q.epoch = p_epoch;
  IF own.turn >= p_turn THEN
    granted := own.granted;
    used := own.used;
    short_of := NULL;
    is_final := false;
    RETURN;
  END IF;

  used := coalesce(own.used, 0);
  covered := greatest(used, p_spent, CASE WHEN own.state = 'open' AND p_spent IS NOT NULL THEN own.granted END);
  wanted := greatest(0, p_want - (covered - coalesce(p_spent, used)));
  -- Everything but what this row reserves already.
  IF own.state = 'open' THEN
    account.reserved := account.reserved - (own.granted - own.used);
  END IF;
  SELECT count(*) FILTER (WHERE q.id IS DISTINCT FROM own.id AND q.expires_at > clock_timestamp()) AS of_account,
    count(*) FILTER (WHERE q.id IS DISTINCT FROM own.id AND q.expires_at > clock_timestamp() AND q.proxy_user_id = p_user) AS of_user,
    coalesce(sum(q.granted - q.used) FILTER (WHERE q.id IS DISTINCT FROM own.id AND q.proxy_user_id = p_user), 0)::bigint AS user_reserved
  INTO holder FROM quota_grant AS q WHERE q.account_id = account.id AND q.state = 'open';
  free := account.posted - account.reserved - (covered - used);
  SELECT u.traffic_limit_bytes - u.used_bytes - holder.user_reserved - (covered - used) INTO room FROM proxy_user AS u WHERE u.id = p_user;
  of_balance := karvon_share(free, holder.of_account, p_min);
  of_limit := karvon_share(room, holder.of_user, p_min);
  granted := covered + least(wanted, of_balance, of_limit);
  short_of := CASE WHEN granted - covered >= wanted THEN NULL WHEN of_limit < of_balance THEN 'limit' ELSE 'balance' END;
  is_final := least(free, room) <= granted - covered;

  IF own.id IS NULL AND granted = 0 THEN
    RETURN;
  END IF;
  INSERT INTO quota_grant AS q (account_id, proxy_user_id, gateway_id, epoch, turn, granted, used, expires_at)
  VALUES (account.id, p_user, p_gateway, p_epoch, p_turn, quota_take.granted, quota_take.used, clock_timestamp() + interval '60 s')
  ON CONFLICT (proxy_user_id, gateway_id, epoch) DO UPDATE
  SET granted = excluded.granted, turn = excluded.turn, state = 'open', expires_at = excluded.expires_at;
  UPDATE ledger_account AS a SET reserved = account.reserved + quota_take.granted - quota_take.used WHERE a.id = account.id;
END $$;

-- Gives back what a gateway holds for a proxy user and has not carried. Again, or late: nothing.
CREATE FUNCTION quota_return(p_client text, p_user text, p_gateway text, p_epoch bigint, p_turn bigint, p_spent bigint, OUT returned bigint) LANGUAGE plpgsql AS $$
DECLARE
  v_account bigint;
BEGIN
  SELECT a.id INTO v_account FROM ledger_account AS a WHERE a.kind = 'client_bytes' AND a.owner_id = p_client AND a.shard = 0 FOR NO KEY UPDATE;
  WITH own AS (
    SELECT q.id, q.granted, greatest(q.used, least(q.granted, p_spent)) AS kept FROM quota_grant AS q
    WHERE q.proxy_user_id = p_user AND q.gateway_id = p_gateway AND q.epoch = p_epoch AND q.state = 'open' AND q.turn < p_turn
  ), given AS (
    UPDATE quota_grant AS q SET granted = own.kept, turn = p_turn, expires_at = clock_timestamp() FROM own WHERE q.id = own.id
    RETURNING own.granted - own.kept AS bytes
  )
  SELECT coalesce(sum(bytes), 0)::bigint INTO returned FROM given;
  UPDATE ledger_account AS a SET reserved = a.reserved - returned WHERE a.id = v_account AND returned > 0;
END $$;

-- Takes what is posted now from the grants under which it was carried: those of this run, or, for sessions that an earlier
-- run of the gateway opened and could not post, those of the run before. The caller holds the accounts' locks.
-- What no grant covers is posted all the same; the grant then states that it was carried.
ALTER TYPE "karvon_growth" ADD ATTRIBUTE "is_replayed" boolean;
CREATE FUNCTION quota_settle(p_gateway text, p_epoch bigint, p_growth karvon_growth[]) RETURNS void LANGUAGE sql AS $$
  WITH moved AS (
    SELECT g.proxy_user_id, g.is_replayed, sum(g.up_bytes + g.down_bytes)::bigint AS bytes FROM unnest(p_growth) AS g GROUP BY 1, 2
  ), before AS (
    SELECT q.id, m.bytes, q.used + m.bytes AS new_used, CASE WHEN q.state = 'open' THEN least(m.bytes, q.granted - q.used) ELSE 0 END AS freed
    FROM moved AS m CROSS JOIN LATERAL (
      SELECT g.* FROM quota_grant AS g WHERE g.proxy_user_id = m.proxy_user_id AND g.gateway_id = p_gateway
        AND CASE WHEN m.is_replayed THEN g.epoch < p_epoch ELSE g.epoch = p_epoch END
      ORDER BY g.epoch DESC LIMIT 1) AS q
    WHERE m.bytes > 0
  ), settled AS (
    UPDATE quota_grant AS q SET used = b.new_used, granted = greatest(q.granted, b.new_used) FROM before AS b WHERE q.id = b.id
    RETURNING q.account_id, b.freed
  )
  UPDATE ledger_account AS a SET reserved = a.reserved - s.freed
  FROM (SELECT account_id, sum(freed)::bigint AS freed FROM settled GROUP BY account_id HAVING sum(freed) > 0) AS s
  WHERE a.id = s.account_id
$$;

-- Frees what nobody will use: grants of runs of `p_gateway` up to `p_epoch`, everything of which is posted, and of gateways that have not
-- been heard of for `p_lost_after` since their grant ran out. What such a gateway posts later still counts.
CREATE FUNCTION quota_release(p_gateway text, p_epoch bigint, p_lost_after interval DEFAULT '10 minutes', OUT settled bigint, OUT lost bigint) LANGUAGE plpgsql AS $$
DECLARE
  accounts bigint[];
BEGIN
  SELECT coalesce(array_agg(DISTINCT q.account_id), '{}') INTO accounts FROM quota_grant AS q
  WHERE q.state = 'open' AND (q.gateway_id = p_gateway AND q.epoch <= p_epoch OR q.expires_at < clock_timestamp() - p_lost_after);
  PERFORM FROM ledger_account AS a WHERE a.id = ANY (accounts) ORDER BY a.id FOR NO KEY UPDATE;
  WITH ended AS (
    UPDATE quota_grant AS q
    SET state = CASE WHEN q.granted = q.used OR q.gateway_id = p_gateway AND q.epoch <= p_epoch THEN 'settled' ELSE 'lost' END
    WHERE q.account_id = ANY (accounts) AND q.state = 'open'
      AND (q.gateway_id = p_gateway AND q.epoch <= p_epoch OR q.expires_at < clock_timestamp() - p_lost_after)
    RETURNING q.account_id, q.state, q.granted - q.used AS freed
  ), freed AS (
    UPDATE ledger_account AS a SET reserved = a.reserved - f.freed
    FROM (SELECT account_id, sum(freed)::bigint AS freed FROM ended GROUP BY account_id HAVING sum(freed) > 0) AS f
    WHERE a.id = f.account_id
  )
  SELECT count(*) FILTER (WHERE state = 'settled'), count(*) FILTER (WHERE state = 'lost') INTO settled, lost FROM ended;
  -- A lost one is kept: it says why a reservation ended.
  DELETE FROM quota_grant AS q WHERE q.state = 'settled' AND q.expires_at < clock_timestamp() - interval '7 days';
END $$;

-- usage_flush as it is, and what is posted is taken from the gateway's grants in the same transaction, so a byte is reserved or
-- charged and never both. Several migrations define it; this one knows only these places and stops when it does not find them.
DO $$
DECLARE
  body text := pg_get_functiondef('usage_flush'::regproc);
  part text[];
BEGIN
  FOREACH part SLICE 1 IN ARRAY ARRAY[
    ['g.due, g.earned)::karvon_growth)', 'g.due, g.earned, g.is_replayed)::karvon_growth)'],
    ['SELECT a.client_id, a.operator_id, a.proxy_user_id, a.node_id, sum(',
      'SELECT a.client_id, a.operator_id, a.proxy_user_id, a.node_id, a.opened_at < to_timestamp(p_epoch / 1000.0) AS is_replayed, sum('],
    ['GROUP BY a.client_id, a.operator_id, a.proxy_user_id, a.node_id)', 'GROUP BY 1, 2, 3, 4, 5)'],
    ['PERFORM FROM proxy_user AS u WHERE', E'PERFORM quota_settle(p_gateway, p_epoch, growth);\n\n    PERFORM FROM proxy_user AS u WHERE']]
  LOOP
    IF (length(body) - length(replace(body, part[1], ''))) <> length(part[1]) THEN
      RAISE EXCEPTION 'usage_flush does not say "%" once', part[1];
    END IF;
    body := replace(body, part[1], part[2]);
  END LOOP;
  EXECUTE body;
END $$;
