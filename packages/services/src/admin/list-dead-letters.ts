import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PageInput } from "../inputs/common.ts";
import type { DeadLetterView } from "../money-views.ts";
import { pageSize, readNumberCursor, toPage } from "../paging.ts";
import type { Page } from "../views.ts";

interface Row {
  readonly id: bigint;
  readonly gateway_id: string;
  readonly session_id: string;
  readonly sampled_at: Date;
  readonly refused_at: Date;
  readonly sqlstate: string;
  readonly message: string;
  readonly report: string;
}

/** What sessions carried and the ledger refused for good, newest first; those that are posted meanwhile are left out. */
export async function listDeadLetters(ctx: ServiceContext, input: PageInput): Promise<Page<DeadLetterView>> {
  requireAdmin(ctx);
  const limit = pageSize(input);
  const rows = await ctx.database.$queryRaw<Row[]>`
    select id, gateway_id, session_id, sampled_at, refused_at, sqlstate, message, report::text as report
      from usage_dead_letter where posted_at is null and id < ${readNumberCursor(input.cursor)} order by id desc limit ${limit + 1}`;
  return toPage(
    rows,
    limit,
    (row) => row.id.toString(),
    (row) => ({
      id: row.id,
      gatewayId: row.gateway_id,
      sessionId: row.session_id,
      sampledAt: row.sampled_at,
      refusedAt: row.refused_at,
      sqlstate: row.sqlstate,
      message: row.message,
      report: row.report,
    }),
  );
}
