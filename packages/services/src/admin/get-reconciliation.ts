import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { linkSubjects } from "../reconcile/link-subjects.ts";
import type { ReconcileCheck, ReconcileRunFacts, ReconcileRunView, ReconciliationView } from "../views.ts";

/** How many of the last runs are shown: four hours of them. */
const historyMax = 50;

interface RunRow {
  readonly id: bigint;
  readonly at: Date;
  readonly scope: ReconcileRunFacts["scope"];
  readonly asked_by: string;
  readonly milliseconds: number;
  readonly bad_count: number;
  readonly failure: string | null;
}
interface ResultRow extends RunRow {
  readonly checks: ReconcileCheck[];
}
interface TotalsRow {
  readonly measured_bytes: bigint;
  readonly client_debit_bytes: bigint;
  readonly client_debit_micro_usd: bigint;
  readonly operator_credit_micro_usd: bigint;
  readonly fee_micro_usd: bigint;
}

/** What the last runs found, and the sums of this moment. Runs nothing. */
export async function getReconciliation(ctx: ServiceContext): Promise<ReconciliationView> {
  requireAdmin(ctx);
  const [runs, results, totals] = await Promise.all([
    ctx.database.$queryRaw<RunRow[]>`
      select r.id, at, scope, coalesce(u.email, asked_by) as asked_by, milliseconds, bad_count, failure
        from reconcile_run r left join user_account u on u.id = asked_by order by at desc, r.id desc limit ${historyMax}`,
    // Written by reconcile_perform alone, in this shape.
    ctx.database.$queryRaw<ResultRow[]>`
      select r.id, at, scope, coalesce(u.email, asked_by) as asked_by, milliseconds, bad_count, failure, checks
        from reconcile_run r left join user_account u on u.id = asked_by where failure is null order by at desc, r.id desc limit 1`,
    ctx.database.$queryRaw<TotalsRow[]>`select * from reconcile_totals()`,
  ]);
  const [sums] = totals;
  if (sums === undefined) throw new Error("reconcile_totals() gave no row");
  const [last] = results;
  return {
    lastRun: last === undefined ? null : await showResult(ctx, last),
    history: runs.map(showRun),
    totals: {
      measuredBytes: sums.measured_bytes,
      clientDebitBytes: sums.client_debit_bytes,
      clientDebitMicroUsd: sums.client_debit_micro_usd,
      operatorCreditMicroUsd: sums.operator_credit_micro_usd,
      feeMicroUsd: sums.fee_micro_usd,
    },
  };
}

async function showResult(ctx: ServiceContext, row: ResultRow): Promise<ReconcileRunView> {
  const links = await linkSubjects(ctx.database, row.checks);
  const checks = row.checks.map((check) => ({
    ...check,
    sample: check.sample.map((fault) => ({ ...fault, link: links.get(fault.subject) ?? null })),
  }));
  return { ...showRun(row), checks };
}

function showRun(row: RunRow): ReconcileRunFacts {
  const { id, at, scope, milliseconds, failure } = row;
  return { id, at, scope, askedBy: row.asked_by, milliseconds, badCount: row.bad_count, failure };
}
