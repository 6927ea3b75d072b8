/**
 * One run of the checks C1 to C8 (prisma/migrations, reconcile_perform): what it found is written down, and with it whether
 * admins must be told.
 *
 * One process at a time runs, whichever of all that share the database: whoever is second waits, or with "due" does nothing.
 * A run that is cut off or fails changes nothing but the list of runs, where it says so.
 *
 * Limits: `reconcileMsMax` for a run, 200 characters of a failure's words.
 */
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";

export const reconcileMsMax = 600_000;
export const reconcileEveryMs = 300_000;
const failureLengthMax = 200;

/** Makes one run and answers its id. The transaction is the caller's; its statements may take `timeoutMs`. */
export async function performReconciliation(db: DatabaseTransaction, askedBy: string, timeoutMs: number): Promise<bigint> {
  await db.$executeRawUnsafe(`set local statement_timeout = ${Math.floor(timeoutMs)}`);
  await db.$executeRaw`select pg_advisory_xact_lock(karvon_reconcile_lock())`;
  return perform(db, "full", askedBy);
}

/** The same when a run is due and nobody else is at it; null otherwise. */
export async function performDueReconciliation(db: DatabaseTransaction, askedBy: string, timeoutMs: number): Promise<bigint | null> {
  await db.$executeRawUnsafe(`set local statement_timeout = ${Math.floor(timeoutMs)}`);
  const [lock] = await db.$queryRaw<{ is_ours: boolean }[]>`select pg_try_advisory_xact_lock(karvon_reconcile_lock()) as is_ours`;
  if (lock?.is_ours !== true) return null;
  const [row] = await db.$queryRaw<{ scope: string | null }[]>`select reconcile_due(${reconcileEveryMs} * interval '1 ms') as scope`;
  return row === undefined || row.scope === null ? null : perform(db, row.scope, askedBy);
}

async function perform(db: DatabaseTransaction, scope: string, askedBy: string): Promise<bigint> {
  const [row] = await db.$queryRaw<{ id: bigint }[]>`select reconcile_perform(${scope}, ${askedBy}) as id`;
  if (row === undefined) throw new Error("reconcile_perform() gave no run");
  return row.id;
}

/** Writes down a run that came to no result. */
export async function recordFailedRun(
  ctx: Pick<ServiceContext, "database">,
  run: { readonly askedBy: string; readonly startedMs: number; readonly cause: unknown },
): Promise<void> {
  const failure = (run.cause instanceof Error ? run.cause.message : String(run.cause)).replaceAll(/\s+/g, " ").slice(-failureLengthMax);
  const milliseconds = Math.round(performance.now() - run.startedMs);
  await ctx.database.$executeRaw`
    insert into reconcile_run (scope, asked_by, milliseconds, failure) values ('full', ${run.askedBy}, ${milliseconds}, ${failure})`;
}
