/** Nodes with their presence and what they earned today, as operator and admin see them. */
import type { Prisma } from "@karvon/db";
import { startOfUtcDay } from "./calendar.ts";
import type { ServiceContext } from "./context.ts";
import type { NetworkKind, NodeState, NodeStatus, NodeView } from "./views.ts";

export interface NodeRow {
  readonly id: string;
  readonly label: string;
  readonly status: NodeStatus;
  readonly status_reason: string | null;
  readonly model: string;
  readonly platform: string;
  readonly agent_version: string;
  readonly is_demo: boolean;
  readonly created_at: Date;
  readonly state: NodeState;
  readonly state_reason: string | null;
  readonly battery_percent: number | null;
  readonly is_charging: boolean | null;
  readonly network: NetworkKind;
  readonly public_address: string | null;
  readonly country: string | null;
  readonly city: string | null;
  readonly asn_name: string | null;
  readonly rtt_ms: number | null;
  readonly open_streams: number;
  readonly day_bytes: bigint;
  readonly day_limit_bytes: bigint | null;
  readonly last_seen_at: Date | null;
  readonly connected_at: Date | null;
  readonly earned_today: bigint;
  readonly operator_email: string;
}

/** Nodes that match, newest first. The day's earnings are summed once for the nodes of the page. */
export function readNodes(ctx: ServiceContext, filter: Prisma.Sql, limit: number): Promise<NodeRow[]> {
  const today = startOfUtcDay(ctx.now());
  return ctx.database.$queryRaw<NodeRow[]>`
    with page as materialized (
      select n.*, u.email as operator_email
        from node n join operator o on o.id = n.operator_id join user_account u on u.id = o.user_id
       where ${filter} order by n.created_at desc, n.id desc limit ${limit}),
    earned as (
      select h.node_id, sum(h.earned_micro_usd)::bigint as earned from usage_hour h
       where h.hour >= ${today} and h.operator_id in (select operator_id from page) group by h.node_id)
    select n.id, n.label, n.status::text as status, n.status_reason, n.model, n.platform, n.agent_version, n.is_demo, n.created_at,
           coalesce(p.state::text, 'offline') as state, p.state_reason, p.battery_percent, p.is_charging,
           coalesce(p.network::text, 'unknown') as network, p.public_address, p.country, p.city, p.asn_name, p.rtt_ms,
           coalesce(p.open_streams, 0) as open_streams, coalesce(p.day_bytes, 0) as day_bytes, p.day_limit_bytes,
           p.last_seen_at, p.connected_at, coalesce(e.earned, 0)::bigint as earned_today, n.operator_email
      from page n left join node_presence p on p.node_id = n.id left join earned e on e.node_id = n.id
     order by n.created_at desc, n.id desc`;
}

export function showNode(row: NodeRow): NodeView {
  return {
    id: row.id,
    label: row.label,
    status: row.status,
    statusReason: row.status_reason,
    model: row.model,
    platform: row.platform,
    agentVersion: row.agent_version,
    isDemo: row.is_demo,
    state: row.state,
    stateReason: row.state_reason,
    batteryPercent: row.battery_percent,
    isCharging: row.is_charging,
    network: row.network,
    publicAddress: row.public_address,
    country: row.country,
    city: row.city,
    asnName: row.asn_name,
    rttMs: row.rtt_ms,
    openStreams: row.open_streams,
    dayBytes: row.day_bytes,
    dayLimitBytes: row.day_limit_bytes,
    lastSeenAt: row.last_seen_at,
    connectedAt: row.connected_at,
    earnedTodayMicroUsd: row.earned_today,
  };
}
