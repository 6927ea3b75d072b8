-- Caps by day and month for proxy users, and caps for tags: in total, by day, by month. Days and months are UTC's.
--
-- Nothing is counted a second time. A proxy user and a tag have one total that only grows; what they used in a day is that total
-- minus what it was when the day began, its mark. The first grant in a day sets the mark, behind the lock that orders all grants, so
-- that the flush has nothing to do with days. Bytes that were granted before midnight count in the day before until then.
--
-- Lock order as in 20261128160000_quota. A tag's grants are ordered by the lock of its cap and by nothing else: no function holds
-- that together with an account's.

-- AlterTable
ALTER TABLE "proxy_user" ADD COLUMN     "day_limit_bytes" BIGINT,
ADD COLUMN     "day_mark_bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "marked_on" DATE NOT NULL DEFAULT '1970-01-01'::date,
ADD COLUMN     "month_limit_bytes" BIGINT,
ADD COLUMN     "month_mark_bytes" BIGINT NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "tag_cap" (
    "client_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "total_limit_bytes" BIGINT,
    "day_limit_bytes" BIGINT,
    "month_limit_bytes" BIGINT,
    "used_bytes" BIGINT NOT NULL DEFAULT 0,
    "marked_on" DATE NOT NULL DEFAULT '1970-01-01'::date,
    "day_mark_bytes" BIGINT NOT NULL DEFAULT 0,
    "month_mark_bytes" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tag_cap_pkey" PRIMARY KEY ("client_id","tag")
);

-- CreateTable
CREATE TABLE "tag_grant" (
    "client_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "gateway_id" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "turn" BIGINT NOT NULL,
    "granted" BIGINT NOT NULL,
    "spent" BIGINT NOT NULL,
    "is_open" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tag_grant_pkey" PRIMARY KEY ("client_id","tag","gateway_id","epoch")
);

-- AddForeignKey
ALTER TABLE "tag_cap" ADD CONSTRAINT "tag_cap_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "client"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tag_grant" ADD CONSTRAINT "tag_grant_client_id_tag_fkey" FOREIGN KEY ("client_id", "tag") REFERENCES "tag_cap"("client_id", "tag") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tag_grant" ADD CONSTRAINT "tag_grant_gateway_id_fkey" FOREIGN KEY ("gateway_id") REFERENCES "gateway"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "proxy_user"
  ADD CONSTRAINT "proxy_user_period_limit_check" CHECK ("day_limit_bytes" >= 0 AND "month_limit_bytes" >= 0),
  ADD CONSTRAINT "proxy_user_mark_check" CHECK ("month_mark_bytes" BETWEEN 0 AND "day_mark_bytes");
ALTER TABLE "tag_cap"
  ADD CONSTRAINT "tag_cap_tag_check" CHECK ("tag" ~ '^[A-Za-z0-9_.-]{1,32}$'),
  ADD CONSTRAINT "tag_cap_limit_check" CHECK ("total_limit_bytes" >= 0 AND "day_limit_bytes" >= 0 AND "month_limit_bytes" >= 0),
  ADD CONSTRAINT "tag_cap_any_check" CHECK (num_nonnulls("total_limit_bytes", "day_limit_bytes", "month_limit_bytes") > 0),
  ADD CONSTRAINT "tag_cap_mark_check" CHECK (0 <= "month_mark_bytes" AND "month_mark_bytes" <= "day_mark_bytes" AND "day_mark_bytes" <= "used_bytes");
ALTER TABLE "tag_grant"
  ADD CONSTRAINT "tag_grant_spent_check" CHECK ("spent" BETWEEN 0 AND "granted" AND "turn" >= 0);
CREATE INDEX "tag_grant_open" ON "tag_grant" ("gateway_id") WHERE "is_open";

-- What users have used so far this month, as the hours say it.
UPDATE "proxy_user" AS u SET
  "marked_on" = (now() AT TIME ZONE 'UTC')::date,
  "day_mark_bytes" = u."used_bytes" - h.in_day,
  "month_mark_bytes" = u."used_bytes" - h.in_month
FROM (
  SELECT p."id", least(p."used_bytes", coalesce(sum(x."up_bytes" + x."down_bytes") FILTER (WHERE x."hour" >= date_trunc('day', now(), 'UTC')), 0))::bigint AS in_day,
    least(p."used_bytes", coalesce(sum(x."up_bytes" + x."down_bytes"), 0))::bigint AS in_month
  FROM "proxy_user" AS p LEFT JOIN "usage_hour" AS x ON x."proxy_user_id" = p."id" AND x."hour" >= date_trunc('month', now(), 'UTC')
  GROUP BY p."id"
) AS h WHERE h."id" = u."id";

-- The clock of caps. A function of its own, so that a test can come to the end of a day.
CREATE FUNCTION karvon_cap_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;
CREATE FUNCTION karvon_cap_day() RETURNS date LANGUAGE sql VOLATILE AS $$ SELECT (karvon_cap_clock() AT TIME ZONE 'UTC')::date $$;

-- What was used in the day and in the month that run now, of a total and its marks.
CREATE FUNCTION karvon_used_in_day(used bigint, day_mark bigint, marked_on date) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN marked_on = karvon_cap_day() THEN used - day_mark ELSE 0 END
$$;
CREATE FUNCTION karvon_used_in_month(used bigint, month_mark bigint, marked_on date) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN date_trunc('month', marked_on) = date_trunc('month', karvon_cap_day()) THEN used - month_mark ELSE 0 END
$$;

-- The cap of which the least is left once `held` bytes are taken off: 'limit' in total, 'day' or 'month', and when it opens again. No cap: nulls.
-- Where several leave nothing, the one that opens last.
CREATE FUNCTION karvon_cap_room(total_limit bigint, day_limit bigint, month_limit bigint, used bigint, in_day bigint, in_month bigint, held bigint,
  OUT room bigint, OUT cap text, OUT opens_at timestamptz) LANGUAGE sql VOLATILE AS $$
  SELECT c.room, c.cap, c.opens AT TIME ZONE 'UTC' FROM (VALUES
    (total_limit - used - held, 'limit', NULL::timestamp),
    (day_limit - in_day - held, 'day', karvon_cap_day() + interval '1 day'),
    (month_limit - in_month - held, 'month', date_trunc('month', karvon_cap_day()::timestamp) + interval '1 month')
  ) AS c (room, cap, opens)
  WHERE c.room IS NOT NULL ORDER BY greatest(c.room, 0), c.opens DESC NULLS FIRST LIMIT 1
$$;

-- As in 20261128160000_quota, with a proxy user's caps by day and month beside the total.
-- `short_of`: 'balance', or 'limit', 'day' or 'month' for the cap of the user; `opens_at` for the last two.
DROP FUNCTION quota_take;
CREATE FUNCTION quota_take(p_client text, p_user text, p_gateway text, p_epoch bigint, p_turn bigint, p_spent bigint, p_want bigint, p_min bigint DEFAULT 262144,
  OUT granted bigint, OUT used bigint, OUT short_of text, OUT opens_at timestamptz, OUT is_final boolean) LANGUAGE plpgsql AS $$
DECLARE
  account ledger_account;
  own quota_grant;
  holder record;
  caps record;
  covered bigint;
  wanted bigint;
  of_balance bigint;
  of_cap bigint;
  free bigint;
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
  -- The first in a day; the flush changes used_bytes only behind the account's lock.
  UPDATE proxy_user AS u SET day_mark_bytes = u.used_bytes, marked_on = karvon_cap_day(),
    month_mark_bytes = CASE WHEN date_trunc('month', u.marked_on) = date_trunc('month', karvon_cap_day()) THEN u.month_mark_bytes ELSE u.used_bytes END
  WHERE u.id = p_user AND u.marked_on <> karvon_cap_day();
  SELECT r.* INTO caps FROM proxy_user AS u CROSS JOIN LATERAL karvon_cap_room(u.traffic_limit_bytes, u.day_limit_bytes, u.month_limit_bytes,
    u.used_bytes, u.used_bytes - u.day_mark_bytes, u.used_bytes - u.month_mark_bytes, holder.user_reserved + covered - used) AS r WHERE u.id = p_user;
  of_balance := karvon_share(free, holder.of_account, p_min);
  of_cap := karvon_share(caps.room, holder.of_user, p_min);
  granted := covered + least(wanted, of_balance, of_cap);
  short_of := CASE WHEN granted - covered >= wanted THEN NULL WHEN of_cap < of_balance THEN caps.cap ELSE 'balance' END;
  opens_at := CASE WHEN short_of = caps.cap THEN caps.opens_at END;
  is_final := least(free, caps.room) <= granted - covered;

  IF own.id IS NULL AND granted = 0 THEN
    RETURN;
  END IF;
  INSERT INTO quota_grant AS q (account_id, proxy_user_id, gateway_id, epoch, turn, granted, used, expires_at)
  VALUES (account.id, p_user, p_gateway, p_epoch, p_turn, quota_take.granted, quota_take.used, clock_timestamp() + interval '60 s')
  ON CONFLICT (proxy_user_id, gateway_id, epoch) DO UPDATE
  SET granted = excluded.granted, turn = excluded.turn, state = 'open', expires_at = excluded.expires_at;
  UPDATE ledger_account AS a SET reserved = account.reserved + quota_take.granted - quota_take.used WHERE a.id = account.id;
END $$;

-- The same for what is left of a tag's caps: `p_spent` bytes were carried under this tag by this run in total, since it first asked.
-- The answer counts what gateways say, not what is posted: a tag is nobody's money. No cap: what is wanted.
CREATE FUNCTION tag_take(p_client text, p_tag text, p_gateway text, p_epoch bigint, p_turn bigint, p_spent bigint, p_want bigint, p_min bigint DEFAULT 262144,
  OUT granted bigint, OUT used bigint, OUT short_of text, OUT opens_at timestamptz, OUT is_final boolean) LANGUAGE plpgsql AS $$
DECLARE
  cap tag_cap;
  own tag_grant;
  holder record;
  caps record;
  held bigint;
  wanted bigint;
  share bigint;
BEGIN
  SELECT c.* INTO cap FROM tag_cap AS c WHERE c.client_id = p_client AND c.tag = p_tag FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    used := coalesce(p_spent, 0);
    granted := used + p_want;
    is_final := false;
    RETURN;
  END IF;
  SELECT g.* INTO own FROM tag_grant AS g WHERE g.client_id = p_client AND g.tag = p_tag AND g.gateway_id = p_gateway AND g.epoch = p_epoch;
  IF own.turn >= p_turn THEN
    granted := own.granted;
    used := own.spent;
    is_final := false;
    RETURN;
  END IF;

  IF cap.marked_on <> karvon_cap_day() THEN
    cap.day_mark_bytes := cap.used_bytes;
    IF date_trunc('month', cap.marked_on) <> date_trunc('month', karvon_cap_day()) THEN
      cap.month_mark_bytes := cap.used_bytes;
    END IF;
    cap.marked_on := karvon_cap_day();
  END IF;
  used := greatest(coalesce(own.spent, 0), p_spent);
  cap.used_bytes := cap.used_bytes + used - coalesce(own.spent, 0);
  held := CASE WHEN own.is_open AND p_spent IS NOT NULL THEN greatest(own.granted - used, 0) ELSE 0 END;
  wanted := greatest(0, p_want - held);
  SELECT count(*) FILTER (WHERE g.expires_at > clock_timestamp()) AS others, coalesce(sum(g.granted - g.spent), 0)::bigint AS reserved
  INTO holder FROM tag_grant AS g
  WHERE g.client_id = p_client AND g.tag = p_tag AND g.is_open AND (g.gateway_id, g.epoch) IS DISTINCT FROM (p_gateway, p_epoch);
  SELECT r.* INTO caps FROM karvon_cap_room(cap.total_limit_bytes, cap.day_limit_bytes, cap.month_limit_bytes, cap.used_bytes,
    cap.used_bytes - cap.day_mark_bytes, cap.used_bytes - cap.month_mark_bytes, holder.reserved + held) AS r;
  share := karvon_share(caps.room, holder.others, p_min);
  granted := used + held + least(wanted, share);
  IF share < wanted THEN
    short_of := caps.cap;
    opens_at := caps.opens_at;
  END IF;
  is_final := caps.room <= least(wanted, share);

  INSERT INTO tag_grant AS g (client_id, tag, gateway_id, epoch, turn, granted, spent, expires_at)
  VALUES (p_client, p_tag, p_gateway, p_epoch, p_turn, tag_take.granted, tag_take.used, clock_timestamp() + interval '60 s')
  ON CONFLICT (client_id, tag, gateway_id, epoch) DO UPDATE
  SET granted = excluded.granted, spent = excluded.spent, turn = excluded.turn, is_open = true, expires_at = excluded.expires_at;
  UPDATE tag_cap AS c SET used_bytes = cap.used_bytes, marked_on = cap.marked_on, day_mark_bytes = cap.day_mark_bytes, month_mark_bytes = cap.month_mark_bytes
  WHERE c.client_id = p_client AND c.tag = p_tag;
END $$;

-- Gives back what a gateway holds of a tag's caps and has not spent. Again, or late: nothing.
CREATE FUNCTION tag_return(p_client text, p_tag text, p_gateway text, p_epoch bigint, p_turn bigint, p_spent bigint, OUT returned bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM tag_cap AS c WHERE c.client_id = p_client AND c.tag = p_tag FOR NO KEY UPDATE;
  WITH own AS (
    SELECT g.spent, g.granted, least(greatest(g.spent, p_spent), g.granted) AS kept FROM tag_grant AS g
    WHERE g.client_id = p_client AND g.tag = p_tag AND g.gateway_id = p_gateway AND g.epoch = p_epoch AND g.is_open AND g.turn < p_turn
  ), given AS (
    UPDATE tag_grant AS g SET granted = own.kept, spent = own.kept, turn = p_turn, expires_at = clock_timestamp() FROM own
    WHERE g.client_id = p_client AND g.tag = p_tag AND g.gateway_id = p_gateway AND g.epoch = p_epoch
  ), counted AS (
    UPDATE tag_cap AS c SET used_bytes = c.used_bytes + own.kept - own.spent FROM own WHERE c.client_id = p_client AND c.tag = p_tag
  )
  SELECT coalesce(sum(own.granted - own.kept), 0)::bigint INTO returned FROM own;
END $$;

-- Ends grants of tags as quota_release ends those of accounts. Of what such a run had in hand it said nothing any more; its sessions
-- are posted and say it: that much was spent, at most what was granted.
CREATE FUNCTION tag_release(p_gateway text, p_epoch bigint, p_lost_after interval DEFAULT '10 minutes') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  cap record;
  ended bigint := 0;
BEGIN
  FOR cap IN
    SELECT c.client_id, c.tag FROM tag_cap AS c WHERE EXISTS (
      SELECT FROM tag_grant AS g WHERE g.client_id = c.client_id AND g.tag = c.tag AND g.is_open
        AND (g.gateway_id = p_gateway AND g.epoch <= p_epoch OR g.expires_at < clock_timestamp() - p_lost_after))
    ORDER BY c.client_id, c.tag FOR NO KEY UPDATE
  LOOP
    WITH over AS (
      SELECT g.gateway_id, g.epoch, g.spent, CASE WHEN g.granted = g.spent THEN g.spent ELSE least(g.granted, greatest(g.spent, (
        SELECT coalesce(sum(s.up_bytes + s.down_bytes), 0) FROM proxy_session AS s
        WHERE s.client_id = cap.client_id AND s.tag = cap.tag AND s.gateway_id = g.gateway_id AND s.opened_at >= to_timestamp(g.epoch / 1000.0)
          AND coalesce(s.closed_at, s.updated_at) >= g.created_at)))::bigint END AS kept
      FROM tag_grant AS g
      WHERE g.client_id = cap.client_id AND g.tag = cap.tag AND g.is_open
        AND (g.gateway_id = p_gateway AND g.epoch <= p_epoch OR g.expires_at < clock_timestamp() - p_lost_after)
    ), closed AS (
      UPDATE tag_grant AS g SET spent = o.kept, granted = o.kept, is_open = false FROM over AS o
      WHERE g.client_id = cap.client_id AND g.tag = cap.tag AND g.gateway_id = o.gateway_id AND g.epoch = o.epoch
      RETURNING o.kept - o.spent AS grown
    ), counted AS (
      UPDATE tag_cap AS c SET used_bytes = c.used_bytes + (SELECT sum(grown) FROM closed) WHERE c.client_id = cap.client_id AND c.tag = cap.tag
    )
    SELECT ended + count(*) INTO ended FROM closed;
  END LOOP;
  DELETE FROM tag_grant AS g WHERE NOT g.is_open AND g.expires_at < clock_timestamp() - interval '7 days';
  RETURN ended;
END $$;
