import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SessionsInput } from "../inputs/client.ts";
import { pageSize, toPage, writeTimeCursor } from "../paging.ts";
import { readSessions, type SessionRow } from "../sessions.ts";
import type { ClientSessionView, Page } from "../views.ts";

/** The client's own sessions, newest first. */
export async function listClientSessions(ctx: ServiceContext, input: SessionsInput): Promise<Page<ClientSessionView>> {
  const { clientId } = requireClient(ctx);
  const rows = await readSessions(ctx, { clientId }, input);
  return toPage(rows, pageSize(input), (row) => writeTimeCursor(row.opened_at, row.id), showToClient);
}

export function showToClient(row: SessionRow): ClientSessionView {
  return {
    id: row.id,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    protocol: row.protocol,
    targetHost: row.target_host,
    targetPort: row.target_port,
    exitAddress: row.exit_address,
    exitCountry: row.exit_country,
    exitCity: row.exit_city,
    connectionType: row.connection_type,
    proxyUsername: row.proxy_username ?? "",
    upBytes: row.up_bytes,
    downBytes: row.down_bytes,
    dueMicroUsd: row.due_micro_usd,
    closeReason: row.close_reason,
  };
}
