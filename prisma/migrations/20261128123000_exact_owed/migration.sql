-- A quotient of numerics is rounded to some sixteen digits before floor() sees it: from about 10^16 micro-USD on, a session could owe one
-- too much. div() cuts off exactly.
CREATE OR REPLACE FUNCTION karvon_owed(up_bytes bigint, down_bytes bigint, price bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN up_bytes < 1000000000000000 AND down_bytes < 1000000000000000 AND price <= 4000 THEN (up_bytes + down_bytes) * price / 1000000
    ELSE div((up_bytes::numeric + down_bytes) * price, 1000000)::bigint END
$$;
