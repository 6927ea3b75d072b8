import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ReconciliationView } from "../views.ts";

interface CheckRow {
  readonly check: string;
  readonly title: string;
  readonly bad_count: number;
  readonly sample: unknown;
}
interface TotalsRow {
  readonly measured_bytes: bigint;
  readonly client_debit_bytes: bigint;
  readonly client_debit_micro_usd: bigint;
  readonly operator_credit_micro_usd: bigint;
  readonly fee_micro_usd: bigint;
}

/** Whether sessions, hours, batches, entries and balances tell the same story at this moment. Reads everything: seconds on a large database. */
export async function getReconciliation(ctx: ServiceContext): Promise<ReconciliationView> {
  requireAdmin(ctx);
  const at = ctx.now();
  const [checks, totals] = await Promise.all([
    ctx.database.$queryRaw<CheckRow[]>`select "check", title, bad_count, sample from reconcile(5) order by "check"`,
    ctx.database.$queryRaw<TotalsRow[]>`select * from reconcile_totals()`,
  ]);
  const sums = totals[0];
  if (sums === undefined) throw new Error("reconcile_totals() gave no row");
  return {
    at,
    checks: checks.map((row) => ({ check: row.check, title: row.title, badCount: row.bad_count, sample: row.sample })),
    totals: {
      measuredBytes: sums.measured_bytes,
      clientDebitBytes: sums.client_debit_bytes,
      clientDebitMicroUsd: sums.client_debit_micro_usd,
      operatorCreditMicroUsd: sums.operator_credit_micro_usd,
      feeMicroUsd: sums.fee_micro_usd,
    },
  };
}
