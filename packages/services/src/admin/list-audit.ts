import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PageInput } from "../inputs/common.ts";
import { pageSize, readNumberCursor, toPage } from "../paging.ts";
import type { AuditView, Page } from "../views.ts";

interface Row {
  readonly seq: bigint;
  readonly at: Date;
  readonly actor_id: string;
  readonly actor_role: string;
  readonly actor_email: string | null;
  readonly action: string;
  readonly subject_id: string | null;
  readonly reason: string | null;
  readonly detail: unknown;
}

/** Who did what, newest first. */
export async function listAudit(ctx: ServiceContext, input: PageInput): Promise<Page<AuditView>> {
  requireAdmin(ctx);
  const limit = pageSize(input);
  const rows = await ctx.database.$queryRaw<Row[]>`
    select l.seq, l.at, l.actor_id, l.actor_role, u.email as actor_email, l.action, l.subject_id, l.reason, l.detail
      from audit_log l left join user_account u on u.id = l.actor_id
     where l.seq < ${readNumberCursor(input.cursor)} order by l.seq desc limit ${limit + 1}`;
  return toPage(
    rows,
    limit,
    (row) => row.seq.toString(),
    (row) => ({
      seq: row.seq,
      at: row.at,
      actorId: row.actor_id,
      actorRole: row.actor_role,
      actorEmail: row.actor_email,
      action: row.action,
      subjectId: row.subject_id,
      reason: row.reason,
      detail: row.detail,
    }),
  );
}
