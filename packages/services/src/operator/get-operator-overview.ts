import { requireOperator } from "../actor.ts";
import { overviewPeriod } from "../calendar.ts";
import type { ServiceContext } from "../context.ts";
import type { OperatorOverview, OperatorUsage } from "../views.ts";

interface OverviewRow {
  readonly key: string;
  readonly nodes_online: number;
  readonly nodes_total: number;
  readonly payable: bigint;
  readonly sessions_open: number;
  readonly month_bytes: bigint;
  readonly month_earned: bigint;
  readonly today_bytes: bigint;
  readonly today_earned: bigint;
  /** [[hour in seconds, bytes, earned], ...]; the numbers as text. */
  readonly hours: string;
}

/** $1 operators; the times are those of the client's overview. */
const readOverviews = {
  name: "operator-overviews",
  text: `
    with usage as materialized (
      select operator_id, hour, sum(up_bytes + down_bytes)::bigint as bytes, sum(earned_micro_usd)::bigint as earned
        from usage_hour where operator_id = any($1::text[]) and hour >= $2 and hour < $3 group by operator_id, hour)
    select o.id as key, fleet.online as nodes_online, fleet.total as nodes_total,
      coalesce((select posted from ledger_account where kind = 'operator_payable' and owner_id = o.id and shard = 0), 0) as payable,
      (select count(*)::int from proxy_session
        where operator_id = o.id and closed_at is null and opened_at >= $7 and opened_at < $3) as sessions_open,
      g.*
      from operator o
      cross join lateral (
        select count(*) filter (where n.status <> 'retired')::int as total,
               count(*) filter (where n.status <> 'retired' and p.state <> 'offline')::int as online
          from node n left join node_presence p on p.node_id = n.id where n.operator_id = o.id) fleet
      cross join lateral (
        select coalesce(sum(bytes) filter (where hour >= $4), 0)::bigint as month_bytes,
          coalesce(sum(earned) filter (where hour >= $4), 0)::bigint as month_earned,
          coalesce(sum(bytes) filter (where hour >= $5), 0)::bigint as today_bytes,
          coalesce(sum(earned) filter (where hour >= $5), 0)::bigint as today_earned,
          coalesce(json_agg(json_build_array(extract(epoch from hour)::bigint, bytes::text, earned::text))
                   filter (where hour >= $6), '[]')::text as hours
          from usage where operator_id = o.id) g
     where o.id = any($1::text[])`,
};

/** The operator's first page, in one statement. */
export async function getOperatorOverview(ctx: ServiceContext): Promise<OperatorOverview> {
  const { operatorId } = requireOperator(ctx);
  const { hours, bounds } = overviewPeriod(ctx.now());
  const row = await ctx.batches.find<OverviewRow>(readOverviews, operatorId, bounds);
  if (row === null) throw new Error(`operator ${operatorId} has no overview`);
  const known = readHours(row.hours);
  return {
    nodesOnline: row.nodes_online,
    nodesTotal: row.nodes_total,
    payableMicroUsd: row.payable,
    sessionsOpen: row.sessions_open,
    today: { bytes: row.today_bytes, earnedMicroUsd: row.today_earned },
    month: { bytes: row.month_bytes, earnedMicroUsd: row.month_earned },
    hours: hours.map((hour) => ({ hour, ...(known.get(hour.getTime()) ?? { bytes: 0n, earnedMicroUsd: 0n }) })),
  };
}

function readHours(json: string): Map<number, OperatorUsage> {
  const rows: [number, string, string][] = JSON.parse(json);
  return new Map(rows.map(([seconds, bytes, earned]) => [seconds * 1_000, { bytes: BigInt(bytes), earnedMicroUsd: BigInt(earned) }]));
}
