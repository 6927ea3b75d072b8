/** Nodes with their presence and what they earned today, as operator and admin see them. */
import type { Statement } from "@karvon/db";
import { startOfUtcDay } from "./calendar.ts";
import type { ServiceContext } from "./context.ts";
import { pageSizeMax } from "./inputs/common.ts";
import { containing, type TimeCursor } from "./paging.ts";
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

/** $1 the day's start, $2 operator. */
const readOwn = prepare("own-nodes", "n.operator_id = $2", 1_000);
/** $1 the day's start, $2 and $3 the cursor. */
const readAll = prepare("all-nodes", "(n.created_at, n.id) < ($2, $3)", pageSizeMax + 1);
/** As above, $4 the search, $5 the same as a pattern. */
const searchAll = prepare(
  "all-nodes-search",
  `(n.created_at, n.id) < ($2, $3) and (n.id = $4 or n.label ilike $5 or u.email ilike $5 or exists (
      select from node_presence q where q.node_id = n.id
         and (q.public_address = $4 or q.city ilike $5 or q.asn_name ilike $5 or q.country = upper($4))))`,
  pageSizeMax + 1,
);

/** An operator's nodes, newest first, at most 1,000. */
export function readOwnNodes(ctx: ServiceContext, operatorId: string): Promise<NodeRow[]> {
  return ctx.statements.query<NodeRow>(readOwn, [startOfUtcDay(ctx.now()), operatorId]);
}

/** Everybody's nodes before the cursor, newest first, at most 101. */
export function readAllNodes(ctx: ServiceContext, before: TimeCursor, search: string): Promise<NodeRow[]> {
  const values = [startOfUtcDay(ctx.now()), before.at, before.id];
  return search === ""
    ? ctx.statements.query<NodeRow>(readAll, values)
    : ctx.statements.query<NodeRow>(searchAll, [...values, search, containing(search)]);
}

/** The day's earnings are summed once, for the operators of the page. */
function prepare(name: string, filter: string, limit: number): Statement {
  const text = `
    with page as materialized (
      select n.*, u.email as operator_email
        from node n join operator o on o.id = n.operator_id join user_account u on u.id = o.user_id
       where ${filter} order by n.created_at desc, n.id desc limit ${limit}),
    earned as (
      select h.node_id, sum(h.earned_micro_usd)::bigint as earned from usage_hour h
       where h.hour >= $1 and h.operator_id in (select operator_id from page) group by h.node_id)
    select n.id, n.label, n.status::text as status, n.status_reason, n.model, n.platform, n.agent_version, n.is_demo, n.created_at,
           coalesce(p.state::text, 'offline') as state, p.state_reason, p.battery_percent, p.is_charging,
           coalesce(p.network::text, 'unknown') as network, p.public_address, p.country, p.city, p.asn_name, p.rtt_ms,
           coalesce(p.open_streams, 0) as open_streams, coalesce(p.day_bytes, 0) as day_bytes, p.day_limit_bytes,
           p.last_seen_at, p.connected_at, coalesce(e.earned, 0)::bigint as earned_today, n.operator_email
      from page n left join node_presence p on p.node_id = n.id left join earned e on e.node_id = n.id
     order by n.created_at desc, n.id desc`;
  return { name, text };
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
