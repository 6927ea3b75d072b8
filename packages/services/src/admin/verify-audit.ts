import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { AuditVerification } from "../views.ts";

/** Walks the whole hash chain. Cutting off the newest rows is not seen by the chain alone. */
export async function verifyAudit(ctx: ServiceContext): Promise<AuditVerification> {
  requireAdmin(ctx);
  const [row] = await ctx.database.$queryRaw<{ rows: bigint; ok: boolean; first_bad_seq: bigint | null }[]>`select * from audit_verify()`;
  if (row === undefined) throw new Error("audit_verify() gave no row");
  return { rows: Number(row.rows), ok: row.ok, firstBadSeq: row.first_bad_seq };
}
