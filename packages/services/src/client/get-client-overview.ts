import { requireClient } from "../actor.ts";
import { overviewPeriod } from "../calendar.ts";
import type { ServiceContext } from "../context.ts";
import type { ClientOverview, ClientUsage, ClientUsageHour } from "../views.ts";

interface OverviewRow {
  readonly key: string;
  readonly balance_bytes: bigint;
  readonly balance_micro_usd: bigint;
  readonly price: bigint;
  readonly sessions_open: number;
  readonly proxy_users: number;
  readonly email_confirmed: boolean;
  readonly has_traffic: boolean;
  readonly month_up: bigint;
  readonly month_down: bigint;
  readonly month_due: bigint;
  readonly today_up: bigint;
  readonly today_down: bigint;
  readonly today_due: bigint;
  readonly has_request: boolean;
  /** [[hour in seconds, up, down, due], ...]; the numbers as text, because JSON's numbers stop at 2^53. */
  readonly hours: string;
}

/**
 * $1 clients, $2 first hour that is read, $3 end of the hour that runs, $4 month, $5 day, $6 first hour of the chart,
 * $7 the month before. Times are bounded on both sides so that only two months' partitions are looked into; a session
 * that has been open for longer than a month is not counted here.
 */
const readOverviews = {
  name: "client-overviews",
  text: `
    with usage as materialized (
      select client_id, hour, sum(up_bytes)::bigint as up, sum(down_bytes)::bigint as down, sum(due_micro_usd)::bigint as due
        from usage_hour where client_id = any($1::text[]) and hour >= $2 and hour < $3 group by client_id, hour)
    select c.id as key,
      coalesce((select posted from ledger_account where kind = 'client_bytes' and owner_id = c.id and shard = 0), 0) as balance_bytes,
      coalesce((select posted from ledger_account where kind = 'client_usd' and owner_id = c.id and shard = 0), 0) as balance_micro_usd,
      coalesce((select pico_usd_per_byte from price where id = c.price_id),
               (select pico_usd_per_byte from price where is_listed and valid_from <= now() order by valid_from desc limit 1), 0) as price,
      (select count(*)::int from proxy_session
        where client_id = c.id and closed_at is null and opened_at >= $7 and opened_at < $3) as sessions_open,
      p.count as proxy_users, p.has_request,
      u.email_verified_at is not null as email_confirmed,
      exists (select from client_order where client_id = c.id and status = 'paid') as has_traffic,
      g.*
      from client c join user_account u on u.id = c.user_id
      cross join lateral (select count(*)::int as count, coalesce(bool_or(used_bytes > 0), false) as has_request
                            from proxy_user where client_id = c.id) p
      cross join lateral (
        select coalesce(sum(up) filter (where hour >= $4), 0)::bigint as month_up,
          coalesce(sum(down) filter (where hour >= $4), 0)::bigint as month_down,
          coalesce(sum(due) filter (where hour >= $4), 0)::bigint as month_due,
          coalesce(sum(up) filter (where hour >= $5), 0)::bigint as today_up,
          coalesce(sum(down) filter (where hour >= $5), 0)::bigint as today_down,
          coalesce(sum(due) filter (where hour >= $5), 0)::bigint as today_due,
          coalesce(json_agg(json_build_array(extract(epoch from hour)::bigint, up::text, down::text, due::text))
                   filter (where hour >= $6), '[]')::text as hours
          from usage where client_id = c.id) g
     where c.id = any($1::text[])`,
};

/** The client's first page, in one statement: the panel asks for it every few seconds. */
export async function getClientOverview(ctx: ServiceContext): Promise<ClientOverview> {
  const { clientId } = requireClient(ctx);
  const { hours, bounds } = overviewPeriod(ctx.now());
  const row = await ctx.batches.find<OverviewRow>(readOverviews, clientId, bounds);
  if (row === null) throw new Error(`client ${clientId} has no row`);
  return {
    balanceBytes: row.balance_bytes,
    balanceMicroUsd: row.balance_micro_usd,
    picoUsdPerByte: row.price,
    sessionsOpen: row.sessions_open,
    proxyUserCount: row.proxy_users,
    today: { upBytes: row.today_up, downBytes: row.today_down, dueMicroUsd: row.today_due },
    month: { upBytes: row.month_up, downBytes: row.month_down, dueMicroUsd: row.month_due },
    hours: fillHours(hours, row.hours),
    checklist: {
      emailConfirmed: row.email_confirmed,
      hasTraffic: row.has_traffic || row.balance_bytes > 0n,
      hasProxyUser: row.proxy_users > 0,
      hasFirstRequest: row.has_request,
    },
  };
}

function fillHours(hours: readonly Date[], json: string): ClientUsageHour[] {
  const known = new Map<number, ClientUsage>();
  const rows: [number, string, string, string][] = JSON.parse(json);
  for (const [seconds, up, down, due] of rows)
    known.set(seconds * 1_000, { upBytes: BigInt(up), downBytes: BigInt(down), dueMicroUsd: BigInt(due) });
  return hours.map((hour) => ({ hour, ...(known.get(hour.getTime()) ?? { upBytes: 0n, downBytes: 0n, dueMicroUsd: 0n }) }));
}
