import { requireAdmin } from "../actor.ts";
import { showToClient } from "../client/list-client-sessions.ts";
import type { ServiceContext } from "../context.ts";
import type { SessionsInput } from "../inputs/client.ts";
import { pageSize, toPage, writeTimeCursor } from "../paging.ts";
import { readSessions } from "../sessions.ts";
import type { AdminSessionView, Page } from "../views.ts";

/** Every session, newest first, from both sides: what the client pays and what the operator earns. */
export async function listAdminSessions(ctx: ServiceContext, input: SessionsInput): Promise<Page<AdminSessionView>> {
  requireAdmin(ctx);
  const rows = await readSessions(ctx, "all", input);
  return toPage(
    rows,
    pageSize(input),
    (row) => writeTimeCursor(row.opened_at, row.id),
    (row) => ({
      ...showToClient(row),
      nodeId: row.node_id,
      nodeLabel: row.node_label ?? "",
      clientEmail: row.client_email ?? "",
      operatorEmail: row.operator_email ?? "",
      earnedMicroUsd: row.earned_micro_usd,
    }),
  );
}
