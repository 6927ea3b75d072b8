/** The SQL functions that only the database may run, each with its arguments named and typed once. */
import type { DatabaseTransaction, Reader } from "./database.ts";

export interface GatewayNotice {
  readonly kind: "client" | "proxy_user" | "node" | "session" | "block_rule";
  readonly id: string;
}

/** Tells every gateway, at commit, to look again. The last statement of a transaction: it takes a lock that all writers share. */
export async function notifyGateways(db: DatabaseTransaction, notice: GatewayNotice): Promise<void> {
  await db.$queryRaw`select karvon_notify(${notice.kind}, ${notice.id})`;
}

export interface AuditRow {
  readonly actorId: string;
  readonly actorRole: string;
  readonly action: string;
  readonly subjectId: string | null;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly ipAddress: string | null;
}

/** Adds to the audit chain; a trigger numbers the row, stamps it and hashes it together with the row before. */
export async function appendAudit(db: DatabaseTransaction, row: AuditRow): Promise<void> {
  await db.$executeRaw`
    insert into audit_log (actor_id, actor_role, action, subject_id, reason, detail, ip_address)
    values (${row.actorId}, ${row.actorRole}, ${row.action}, ${row.subjectId}, ${row.reason}, ${JSON.stringify(row.detail)}::jsonb, ${row.ipAddress})`;
}

export interface LedgerPosting {
  /** Unique for ever: the same key is the same transaction. */
  readonly key: string;
  readonly kind: "top_up" | "refund" | "payout" | "correction";
  readonly actor: string;
  readonly requestSha256: Uint8Array;
  readonly entries: readonly { readonly kind: string; readonly ownerId?: string; readonly amount: bigint; readonly atLeast?: bigint }[];
}

export async function postLedger(db: DatabaseTransaction, posting: LedgerPosting): Promise<void> {
  const entries = posting.entries.map((entry) => ({ ...entry, amount: entry.amount.toString(), atLeast: entry.atLeast?.toString() }));
  await db.$queryRaw`
    select tx_id from ledger_post(${posting.key}, ${posting.kind}::"LedgerTxKind", ${posting.actor}, ${Buffer.from(posting.requestSha256)}::bytea, ${JSON.stringify(entries)}::jsonb)`;
}

export async function readBalanceBytes(db: Reader, clientId: string): Promise<bigint> {
  const account = await db.ledgerAccount.findUnique({
    where: { kind_ownerId_shard: { kind: "client_bytes", ownerId: clientId, shard: 0 } },
    select: { posted: true },
  });
  return account?.posted ?? 0n;
}
