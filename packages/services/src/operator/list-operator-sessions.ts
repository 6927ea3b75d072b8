import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SessionsInput } from "../inputs/client.ts";
import { pageSize, toPage, writeTimeCursor } from "../paging.ts";
import { readSessions } from "../sessions.ts";
import type { OperatorSessionView, Page } from "../views.ts";

/** What passed the operator's own nodes, newest first: which name and how much, never who asked or for what. */
export async function listOperatorSessions(ctx: ServiceContext, input: SessionsInput): Promise<Page<OperatorSessionView>> {
  const { operatorId } = requireOperator(ctx);
  const rows = await readSessions(ctx, { operatorId }, input);
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.opened_at, row.id),
    (row) => ({
      id: row.id,
      openedAt: row.opened_at,
      closedAt: row.closed_at,
      nodeId: row.node_id,
      nodeLabel: row.node_label ?? "",
      protocol: row.protocol,
      targetHost: row.target_host,
      upBytes: row.up_bytes,
      downBytes: row.down_bytes,
      earnedMicroUsd: row.earned_micro_usd,
      closeReason: row.close_reason,
    }),
  );
}
