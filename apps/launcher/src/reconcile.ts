/** The reconciliation job of this installation, with a database connection and a mailer of its own. */
import { setTimeout as pause } from "node:timers/promises";
import { createPrisma } from "@karvon/db";
import { openSmtpMailer, startReconcileJob } from "@karvon/services";
import type { ResolvedFacts } from "./child-environment.ts";

export interface Reconciliation {
  close(): Promise<void>;
}

/** A run that is under way when the platform stops is left to PostgreSQL, which ends it with everything else. */
const closeGraceMs = 3_000;
/** One run at a time needs one connection, and writing down that it failed another. */
const poolMax = 2;

export function startReconciliation(facts: ResolvedFacts, say: (text: string) => void): Reconciliation {
  const database = createPrisma({ url: facts.databaseUrl, poolMax });
  const mailer = openSmtpMailer(facts.smtpUrl);
  const job = startReconcileJob({
    ctx: { database, panelUrl: facts.panelUrl },
    mailer,
    onFailure: (cause) => say(`the reconciliation reports: ${cause instanceof Error ? cause.message : String(cause)}`),
  });
  const closeAll = async (): Promise<void> => {
    await job.close();
    await mailer.close();
    await database.$disconnect();
  };
  return {
    close: () => Promise.race([closeAll(), pause(closeGraceMs, undefined, { ref: false })]),
  };
}
