import { requireOperator } from "../actor.ts";
import { lastHours, startOfUtcDay, startOfUtcMonth } from "../calendar.ts";
import type { ServiceContext } from "../context.ts";
import type { OperatorOverview, OperatorUsage } from "../views.ts";

interface OverviewRow {
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

const hoursShown = 24;

/** $1 operator, $2 first hour read, $3 now, $4 month, $5 day, $6 first hour of the chart, $7 the month before. */
const readOverview = {
  name: "operator-overview",
  text: `
    with usage as materialized (
      select hour, sum(up_bytes + down_bytes)::bigint as bytes, sum(earned_micro_usd)::bigint as earned
        from usage_hour where operator_id = $1 and hour >= $2 and hour <= $3 group by hour),
    fleet as materialized (
      select count(*) filter (where n.status <> 'retired')::int as total,
             count(*) filter (where n.status <> 'retired' and p.state <> 'offline')::int as online
        from node n left join node_presence p on p.node_id = n.id where n.operator_id = $1)
    select fleet.online as nodes_online, fleet.total as nodes_total,
      coalesce((select posted from ledger_account where kind = 'operator_payable' and owner_id = $1 and shard = 0), 0) as payable,
      (select count(*)::int from proxy_session
        where operator_id = $1 and closed_at is null and opened_at >= $7 and opened_at <= $3) as sessions_open,
      coalesce(sum(g.bytes) filter (where g.hour >= $4), 0)::bigint as month_bytes,
      coalesce(sum(g.earned) filter (where g.hour >= $4), 0)::bigint as month_earned,
      coalesce(sum(g.bytes) filter (where g.hour >= $5), 0)::bigint as today_bytes,
      coalesce(sum(g.earned) filter (where g.hour >= $5), 0)::bigint as today_earned,
      coalesce(json_agg(json_build_array(extract(epoch from g.hour)::bigint, g.bytes::text, g.earned::text))
               filter (where g.hour >= $6), '[]')::text as hours
      from fleet left join usage g on true group by fleet.online, fleet.total`,
};

/** The operator's first page, in one statement. */
export async function getOperatorOverview(ctx: ServiceContext): Promise<OperatorOverview> {
  const { operatorId } = requireOperator(ctx);
  const now = ctx.now();
  const hours = lastHours(now, hoursShown);
  const firstHour = hours[0] ?? now;
  const month = startOfUtcMonth(now);
  const since = month < firstHour ? month : firstHour;
  const [row] = await ctx.statements.query<OverviewRow>(readOverview, [
    operatorId,
    since,
    now,
    month,
    startOfUtcDay(now),
    firstHour,
    startOfUtcMonth(new Date(month.getTime() - 1)),
  ]);
  if (row === undefined) throw new Error(`operator ${operatorId} has no overview`);
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
