import { requireAdmin } from "../actor.ts";
import { startOfUtcDay } from "../calendar.ts";
import type { ServiceContext } from "../context.ts";
import type { AdminOverview } from "../views.ts";

interface OverviewRow {
  readonly sessions_open: number;
  readonly nodes_online: number;
  readonly nodes_total: number;
  readonly clients: number;
  readonly operators: number;
  readonly up: bigint;
  readonly down: bigint;
  readonly due: bigint;
  readonly earned: bigint;
}

const gatewaysShown = 50;
/** A gateway reports every 5 s, even when nothing passed. */
const staleAfterMs = 20_000;

/** The network at a glance. */
export async function getAdminOverview(ctx: ServiceContext): Promise<AdminOverview> {
  requireAdmin(ctx);
  const now = ctx.now();
  const [rows, gateways] = await Promise.all([
    ctx.database.$queryRaw<OverviewRow[]>`
      select (select count(*)::int from proxy_session where closed_at is null) as sessions_open,
        (select count(*)::int from node_presence p join node n on n.id = p.node_id where p.state <> 'offline' and n.status <> 'retired') as nodes_online,
        (select count(*)::int from node where status <> 'retired') as nodes_total,
        (select count(*)::int from client) as clients, (select count(*)::int from operator) as operators,
        coalesce(sum(up_bytes), 0)::bigint as up, coalesce(sum(down_bytes), 0)::bigint as down,
        coalesce(sum(due_micro_usd), 0)::bigint as due, coalesce(sum(earned_micro_usd), 0)::bigint as earned
        from usage_hour where hour >= ${startOfUtcDay(now)}`,
    ctx.database.gateway.findMany({
      where: { stoppedAt: null },
      orderBy: { startedAt: "desc" },
      take: gatewaysShown,
      select: { id: true, opsUrl: true, startedAt: true, lastFlushAt: true },
    }),
  ]);
  const row = rows[0];
  if (row === undefined) throw new Error("the overview has no row");
  return {
    sessionsOpen: row.sessions_open,
    nodesOnline: row.nodes_online,
    nodesTotal: row.nodes_total,
    clients: row.clients,
    operators: row.operators,
    gateways: gateways.map((gateway) => ({
      ...gateway,
      isStale: now.getTime() - (gateway.lastFlushAt ?? gateway.startedAt).getTime() > staleAfterMs,
    })),
    today: { upBytes: row.up, downBytes: row.down, dueMicroUsd: row.due, earnedMicroUsd: row.earned },
  };
}
