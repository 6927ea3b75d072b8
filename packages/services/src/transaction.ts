/**
 * The one way to write: what changes, the audit row that says who did it, and the notice to the gateways are one
 * transaction. Either all three are there or none.
 *
 * Limits: 5 s to get a connection, 10 s for the whole unless told otherwise; verbs do nothing slow (mail, hashing) inside.
 */
import { invariant } from "@karvon/domain";
import type { Actor } from "./actor.ts";
import type { ServiceContext } from "./context.ts";
import type { DatabaseTransaction } from "./database.ts";
import { appendAudit, notifyGateways, type GatewayNotice } from "./sql-functions.ts";

const waitMsMax = 5_000;
const durationMsMax = 10_000;

export interface AuditEntry {
  /** `subject.verb`, for example "node.pause". Stable: people search for it. */
  readonly action: string;
  readonly subjectId?: string;
  readonly reason?: string | undefined;
  /** Small facts; never a secret. */
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface Transaction {
  readonly db: DatabaseTransaction;
  /** Once per transaction that changes something. */
  audit(entry: AuditEntry): Promise<void>;
  /** Tells the gateways, at commit, that they must look again. */
  notify(notice: GatewayNotice): Promise<void>;
}

type WritingContext = Pick<ServiceContext, "database" | "actor" | "request">;

export function actorId(actor: Actor): string {
  switch (actor.kind) {
    case "anonymous":
      return "anonymous";
    case "system":
      return `system:${actor.name}`;
    case "client":
    case "operator":
    case "admin":
      return actor.userId;
  }
}

export function transact<Result>(
  ctx: WritingContext,
  work: (tx: Transaction) => Promise<Result>,
  timeoutMs = durationMsMax,
): Promise<Result> {
  return ctx.database.$transaction(
    async (db) => {
      let audits = 0;
      return work({
        db,
        async audit(entry) {
          audits += 1;
          invariant(audits === 1, "one transaction leaves one audit row");
          await appendAudit(db, {
            actorId: actorId(ctx.actor),
            actorRole: ctx.actor.kind,
            action: entry.action,
            subjectId: entry.subjectId ?? null,
            reason: entry.reason ?? null,
            detail: entry.detail ?? {},
            ipAddress: ctx.request.ipAddress,
          });
        },
        notify: (notice) => notifyGateways(db, notice),
      });
    },
    { maxWait: waitMsMax, timeout: timeoutMs },
  );
}
