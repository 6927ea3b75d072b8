import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { performReconciliation, reconcileMsMax, recordFailedRun } from "../reconcile/perform-reconciliation.ts";
import { actorId, transact } from "../transaction.ts";
import type { ReconciliationView } from "../views.ts";
import { getReconciliation } from "./get-reconciliation.ts";

/**
 * Checks everything now, for an admin who asks, and answers what there is to see afterwards. Waits for a run that is under way.
 * A run that comes to no result is in the history with the reason; the error goes on to the caller.
 */
export async function runReconciliation(ctx: ServiceContext): Promise<ReconciliationView> {
  requireAdmin(ctx);
  const startedMs = performance.now();
  const askedBy = actorId(ctx.actor);
  try {
    await transact(
      ctx,
      async (tx) => {
        const runId = await performReconciliation(tx.db, askedBy, reconcileMsMax);
        // Last: the audit log's lock is every writer's, and a run may take long.
        await tx.audit({ action: "reconciliation.run", subjectId: String(runId) });
      },
      reconcileMsMax,
    );
  } catch (cause) {
    await recordFailedRun(ctx, { askedBy, startedMs, cause });
    throw cause;
  }
  return getReconciliation(ctx);
}
