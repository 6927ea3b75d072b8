/** Faults for the reconciliation to find, and the runs that look for them. For tests only. */
import type { UsageWorld } from "./usage-world.ts";

/** Writes past every trigger, as a mistake of the machine or a forger with the keys would. */
export async function plant({ fixtures }: UsageWorld, text: string): Promise<void> {
  const client = await fixtures.pool.connect();
  try {
    await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${text}; COMMIT`);
  } finally {
    client.release();
  }
}

export interface RunRow {
  readonly scope: "full" | "recent";
  readonly asked_by: string;
  readonly bad_count: number;
  readonly checks: readonly {
    readonly check: string;
    readonly badCount: number;
    readonly sample: readonly { readonly subject: string }[];
  }[];
}

export async function perform({ fixtures }: UsageWorld, scope: "full" | "recent", sampleMax = 5): Promise<RunRow> {
  await fixtures.pool.query("SELECT reconcile_perform($1, 'test', $2)", [scope, sampleMax]);
  const { rows } = await fixtures.pool.query<RunRow>(
    "SELECT scope, asked_by, bad_count, checks FROM reconcile_run ORDER BY id DESC LIMIT 1",
  );
  const [run] = rows;
  if (run === undefined) throw new Error("the run is not there");
  return run;
}

export function badChecks(run: RunRow): string[] {
  return run.checks.filter(({ badCount }) => badCount > 0).map(({ check }) => check);
}
