/**
 * Tells every admin by mail what the reconciliation found: a break once, other faults once, and that all is well again.
 *
 * An alert is a row that was written with its run (reconcile_perform). It is marked as sent when the mail server has taken
 * all its mails; until then it is sent again, so a mail may come twice and never not at all.
 *
 * Limits: 10 alerts a call, oldest first; `sendMsMax` for all their mails.
 */
import { reconcileMail } from "../mail/letters.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { ServiceContext } from "../context.ts";
import type { ReconcileCheck } from "../views.ts";

const alertsMax = 10;
export const sendMsMax = 60_000;

interface AlertRow {
  readonly id: bigint;
  readonly kind: "broken" | "changed" | "healed";
  readonly at: Date;
  readonly checks: ReconcileCheck[];
}

/** Answers how many alerts went out. Rejects when the mail server does not take one: it stays for the next call. */
export async function sendReconcileAlerts(ctx: Pick<ServiceContext, "database" | "panelUrl">, mailer: Mailer): Promise<number> {
  return ctx.database.$transaction(
    async (db) => {
      // The rows are locked while their mails leave: another process takes others, or none.
      const alerts = await db.$queryRaw<AlertRow[]>`
        select a.id, a.kind, a.at, r.checks from reconcile_alert a join reconcile_run r on r.id = a.run_id
         where a.sent_at is null order by a.id limit ${alertsMax} for update of a skip locked`;
      if (alerts.length === 0) return 0;
      const admins = await db.user.findMany({
        where: { role: "admin", status: "active" },
        select: { email: true },
        orderBy: { id: "asc" },
      });
      for (const alert of alerts) {
        for (const { email } of admins) await mailer.send(reconcileMail(email, alert, ctx.panelUrl));
        await db.$executeRaw`update reconcile_alert set sent_at = clock_timestamp() where id = ${alert.id}`;
      }
      return alerts.length;
    },
    { maxWait: 5_000, timeout: sendMsMax },
  );
}
