import { requireOperator } from "../actor.ts";
import { lastDays } from "../calendar.ts";
import type { ServiceContext } from "../context.ts";
import type { EarningsView } from "../views.ts";

const daysShown = 30;
const nodesShown = 200;

interface DayRow {
  readonly day: Date;
  readonly bytes: bigint;
  readonly earned: bigint;
}
interface NodeRow {
  readonly node_id: string;
  readonly label: string | null;
  readonly bytes: bigint;
  readonly earned: bigint;
}

/** The last 30 days by day and by node, booked in the hour in which the bytes moved. */
export async function getEarnings(ctx: ServiceContext): Promise<EarningsView> {
  const { operatorId } = requireOperator(ctx);
  const days = lastDays(ctx.now(), daysShown);
  const since = days[0] ?? ctx.now();
  const [dayRows, nodeRows] = await Promise.all([
    ctx.database.$queryRaw<DayRow[]>`
      select date_trunc('day', hour, 'UTC') as day, sum(up_bytes + down_bytes)::bigint as bytes, sum(earned_micro_usd)::bigint as earned
        from usage_hour where operator_id = ${operatorId} and hour >= ${since} group by 1`,
    ctx.database.$queryRaw<NodeRow[]>`
      select h.node_id, n.label, h.bytes, h.earned from (
          select node_id, sum(up_bytes + down_bytes)::bigint as bytes, sum(earned_micro_usd)::bigint as earned
            from usage_hour where operator_id = ${operatorId} and hour >= ${since} group by node_id
           order by 3 desc, 1 limit ${nodesShown}) h
        left join node n on n.id = h.node_id order by h.earned desc, h.node_id`,
  ]);
  const known = new Map(dayRows.map((row) => [row.day.getTime(), row]));
  return {
    days: days.map((day) => ({
      day,
      bytes: known.get(day.getTime())?.bytes ?? 0n,
      earnedMicroUsd: known.get(day.getTime())?.earned ?? 0n,
    })),
    nodes: nodeRows.map((row) => ({ nodeId: row.node_id, label: row.label ?? "", bytes: row.bytes, earnedMicroUsd: row.earned })),
  };
}
