/**
 * The reconciliation as a job: looks every `tickMs` whether a run is due (the database knows when the last one was, whoever
 * made it), makes it, and sends what admins must be told.
 *
 * Any number of processes may have the job: an advisory lock lets one run at a time, and then none is due for the others.
 * Nothing that fails ends it: a run that came to no result is written down, a mail that was not taken is sent at a later look.
 */
import type { ServiceContext } from "../context.ts";
import type { Mailer } from "../mail/mailer.ts";
import { performDueReconciliation, reconcileMsMax, recordFailedRun } from "./perform-reconciliation.ts";
import { sendReconcileAlerts } from "./send-reconcile-alerts.ts";

const tickMsDefault = 30_000;
const askedBy = "system:schedule";

export interface ReconcileJob {
  /** Resolves when the look that is under way has ended. */
  close(): Promise<void>;
}

export interface ReconcileJobOptions {
  readonly ctx: Pick<ServiceContext, "database" | "panelUrl">;
  readonly mailer: Mailer;
  /** What failed. Must not throw. */
  readonly onFailure: (cause: unknown) => void;
  readonly tickMs?: number;
}

export function startReconcileJob(options: ReconcileJobOptions): ReconcileJob {
  let looking: Promise<void> | null = null;
  const look = (): void => {
    looking ??= lookOnce(options).finally(() => {
      looking = null;
    });
  };
  const timer = setInterval(look, options.tickMs ?? tickMsDefault);
  timer.unref();
  look();
  return {
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** Never rejects. */
async function lookOnce({ ctx, mailer, onFailure }: ReconcileJobOptions): Promise<void> {
  const startedMs = performance.now();
  try {
    await ctx.database.$transaction((db) => performDueReconciliation(db, askedBy, reconcileMsMax), {
      maxWait: 5_000,
      timeout: reconcileMsMax,
    });
  } catch (cause) {
    onFailure(cause);
    await recordFailedRun(ctx, { askedBy, startedMs, cause }).catch(onFailure);
  }
  await sendReconcileAlerts(ctx, mailer).catch(onFailure);
}
