-- The checks C1 to C7: do sessions, hours, batches, entries and balances tell the same story? Each function answers in one
-- statement, so it sees one instant of the database, whatever gateways post meanwhile. Full scans: minutes beyond 10^8 rows.

-- One row per fault.
CREATE VIEW "reconcile_fault" AS
-- C1: a balance is the sum of its entries, which are numbered without gaps and each state the balance after them.
SELECT 'C1' AS "check", 'account ' || a.id AS subject,
  format('balance %s, entries sum to %s; version %s, %s entries; %s broken links', a.posted, coalesce(e.total, 0), a.version, coalesce(e.entries, 0), coalesce(e.broken, 0)) AS detail
FROM ledger_account AS a
LEFT JOIN (
  SELECT account_id, sum(amount) AS total, count(*) AS entries,
    count(*) FILTER (WHERE balance_after <> running OR account_version <> number) AS broken
  FROM (SELECT account_id, amount, balance_after, account_version, sum(amount) OVER steps AS running, row_number() OVER steps AS number
    FROM ledger_entry WINDOW steps AS (PARTITION BY account_id ORDER BY account_version)) AS walked
  GROUP BY account_id
) AS e ON e.account_id = a.id
WHERE a.posted <> coalesce(e.total, 0) OR a.version <> coalesce(e.entries, 0) OR coalesce(e.broken, 0) <> 0
UNION ALL
-- C2: the entries of every transaction sum to zero in each asset.
SELECT 'C2', 'transaction ' || tx_id, format('%s %s too much', sum(amount), asset)
FROM ledger_entry GROUP BY tx_id, asset HAVING sum(amount) <> 0
UNION ALL
-- C3: each client's bytes are the same in its sessions, in its hours and in the ledger's usage entries.
SELECT 'C3', 'client ' || client_id, format('sessions %s, hours %s, ledger %s bytes', sum(session_bytes), sum(hour_bytes), sum(ledger_bytes))
FROM (
  SELECT client_id, sum(up_bytes + down_bytes) AS session_bytes, 0 AS hour_bytes, 0 AS ledger_bytes FROM proxy_session GROUP BY client_id
  UNION ALL SELECT client_id, 0, sum(up_bytes + down_bytes), 0 FROM usage_hour GROUP BY client_id
  UNION ALL SELECT a.owner_id, 0, 0, -sum(e.amount) FROM ledger_account AS a JOIN ledger_entry AS e ON e.account_id = a.id JOIN ledger_tx AS t ON t.id = e.tx_id
    WHERE a.kind = 'client_bytes' AND t.kind = 'usage' GROUP BY a.owner_id
) AS told GROUP BY client_id HAVING sum(session_bytes) <> sum(hour_bytes) OR sum(session_bytes) <> sum(ledger_bytes)
UNION ALL
-- C4: the batches of a gateway's run are numbered without gaps ...
SELECT 'C4', format('gateway %s run %s', gateway_id, epoch), format('%s batches, numbers %s to %s', count(*), min(seq), max(seq))
FROM usage_batch GROUP BY gateway_id, epoch HAVING min(seq) <> 1 OR max(seq) <> count(*)
UNION ALL
-- ... each says what its transaction carried, and its hash covers its content ...
SELECT 'C4', format('batch %s %s %s', b.gateway_id, b.epoch, b.seq), format('batch %s bytes, ledger %s; hash %s', b.bytes, coalesce(e.carried, 0),
  CASE WHEN b.hash = karvon_batch_hash(b.previous_hash, b) THEN 'good' ELSE 'wrong' END)
FROM usage_batch AS b
LEFT JOIN (SELECT e.tx_id, sum(e.amount) AS carried FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id WHERE a.kind = 'bytes_carried' GROUP BY e.tx_id) AS e
  ON e.tx_id = b.tx_id
WHERE b.bytes <> coalesce(e.carried, 0) OR b.hash IS DISTINCT FROM karvon_batch_hash(b.previous_hash, b)
UNION ALL
-- ... and the chain runs from a first batch, each linked once, to the head that the gateway's row holds.
SELECT 'C4', 'gateway ' || g.id, format('%s batches, %s links, %s ends at the head', l.batches, l.links, l.heads)
FROM gateway AS g
JOIN (
  SELECT b.gateway_id, count(*) AS batches, count(p.hash) + count(*) FILTER (WHERE b.previous_hash IS NULL) AS links,
    count(DISTINCT coalesce(b.previous_hash, ''::bytea)) AS distinct_links, count(*) FILTER (WHERE b.hash = h.last_hash) AS heads
  FROM usage_batch AS b JOIN gateway AS h ON h.id = b.gateway_id
  LEFT JOIN usage_batch AS p ON p.gateway_id = b.gateway_id AND p.hash = b.previous_hash
  GROUP BY b.gateway_id
) AS l ON l.gateway_id = g.id
WHERE l.links <> l.batches OR l.distinct_links <> l.batches OR l.heads <> 1
UNION ALL
-- C5: what an account has reserved is what its open grants may still use.
SELECT 'C5', 'account ' || a.id, format('reserved %s, open grants %s', a.reserved, coalesce(q.open, 0))
FROM ledger_account AS a
LEFT JOIN (SELECT account_id, sum(granted - used) AS open FROM quota_grant WHERE state = 'open' GROUP BY account_id) AS q ON q.account_id = a.id
WHERE a.reserved <> coalesce(q.open, 0)
UNION ALL
-- C6: each session owes and earns the floor of its total times its price ...
SELECT 'C6', 'session ' || s.id, format('due %s and earned %s for %s bytes', s.due_micro_usd, s.earned_micro_usd, s.up_bytes + s.down_bytes)
FROM proxy_session AS s LEFT JOIN price AS p ON p.id = s.price_id
WHERE s.due_micro_usd IS DISTINCT FROM floor((s.up_bytes::numeric + s.down_bytes) * p.pico_usd_per_byte / 1000000)
  OR s.earned_micro_usd IS DISTINCT FROM floor((s.up_bytes::numeric + s.down_bytes) * p.operator_pico_usd_per_byte / 1000000)
UNION ALL
-- ... and the money posted for each client and operator is the sum of that.
SELECT 'C6', owner, format('sessions %s, hours %s, ledger %s micro-USD', sum(session_money), sum(hour_money), sum(ledger_money))
FROM (
  SELECT 'client ' || client_id AS owner, sum(due_micro_usd) AS session_money, 0 AS hour_money, 0 AS ledger_money FROM proxy_session GROUP BY client_id
  UNION ALL SELECT 'operator ' || operator_id, sum(earned_micro_usd), 0, 0 FROM proxy_session GROUP BY operator_id
  UNION ALL SELECT 'client ' || client_id, 0, sum(due_micro_usd), 0 FROM usage_hour GROUP BY client_id
  UNION ALL SELECT 'operator ' || operator_id, 0, sum(earned_micro_usd), 0 FROM usage_hour GROUP BY operator_id
  UNION ALL SELECT CASE a.kind WHEN 'client_usd' THEN 'client ' ELSE 'operator ' END || a.owner_id, 0, 0, sum(CASE a.kind WHEN 'client_usd' THEN -e.amount ELSE e.amount END)
    FROM ledger_account AS a JOIN ledger_entry AS e ON e.account_id = a.id JOIN ledger_tx AS t ON t.id = e.tx_id
    WHERE a.kind IN ('client_usd', 'operator_payable') AND t.kind = 'usage' GROUP BY a.kind, a.owner_id
) AS told GROUP BY owner HAVING sum(session_money) <> sum(hour_money) OR sum(session_money) <> sum(ledger_money)
UNION ALL
-- C7: nothing is made and nothing is lost: all balances of an asset sum to zero.
SELECT 'C7', asset::text, format('%s too much', sum(posted)) FROM ledger_account GROUP BY asset HAVING sum(posted) <> 0;

-- Every check with the number of its faults and up to `sample_max` of them, as [{"subject", "detail"}].
CREATE FUNCTION reconcile(sample_max integer DEFAULT 5) RETURNS TABLE ("check" text, title text, bad_count integer, sample jsonb) LANGUAGE sql STABLE AS $$
  WITH faults AS (SELECT f."check", f.subject, f.detail, row_number() OVER (PARTITION BY f."check" ORDER BY f.subject, f.detail) AS number FROM reconcile_fault AS f)
  SELECT c.name, c.title, count(f.subject)::integer,
    coalesce(jsonb_agg(jsonb_build_object('subject', f.subject, 'detail', f.detail) ORDER BY f.number) FILTER (WHERE f.number <= sample_max), '[]')
  FROM (VALUES
    ('C1', 'Every balance is the sum of its entries'),
    ('C2', 'Every transaction sums to zero'),
    ('C3', 'Sessions, hours and ledger count the same bytes'),
    ('C4', 'No report of a gateway is missing or changed'),
    ('C5', 'Reservations are the open grants'),
    ('C6', 'Sessions, hours and ledger count the same money'),
    ('C7', 'All balances sum to zero')) AS c (name, title)
  LEFT JOIN faults AS f ON f."check" = c.name
  GROUP BY c.name, c.title ORDER BY c.name
$$;

-- Runs every check, keeps the result and returns it.
CREATE FUNCTION reconcile_and_record(sample_max integer DEFAULT 5) RETURNS TABLE ("check" text, title text, bad_count integer, sample jsonb) LANGUAGE sql AS $$
  WITH found AS MATERIALIZED (SELECT * FROM reconcile(sample_max)),
  kept AS (INSERT INTO reconcile_run ("check", bad_count, sample) SELECT f."check", f.bad_count, f.sample FROM found AS f)
  SELECT * FROM found
$$;

-- The figures that must agree: measured bytes = debited bytes, and client debit = operator credit + fee.
CREATE FUNCTION reconcile_totals(OUT measured_bytes bigint, OUT client_debit_bytes bigint, OUT client_debit_micro_usd bigint, OUT operator_credit_micro_usd bigint, OUT fee_micro_usd bigint)
LANGUAGE sql STABLE AS $$
  SELECT (SELECT coalesce(sum(up_bytes + down_bytes), 0)::bigint FROM proxy_session),
    coalesce(-sum(e.amount) FILTER (WHERE a.kind = 'client_bytes'), 0)::bigint,
    coalesce(-sum(e.amount) FILTER (WHERE a.kind = 'client_usd'), 0)::bigint,
    coalesce(sum(e.amount) FILTER (WHERE a.kind = 'operator_payable'), 0)::bigint,
    coalesce(sum(e.amount) FILTER (WHERE a.kind = 'revenue'), 0)::bigint
  FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id JOIN ledger_tx AS t ON t.id = e.tx_id
  WHERE t.kind = 'usage'
$$;
