import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { type PageInput, pageSizeMax } from "../inputs/common.ts";
import { pageSize, readNumberCursor, toPage } from "../paging.ts";
import type { LedgerLine, LedgerTxKind, Page } from "../views.ts";

interface Row {
  readonly tx_id: bigint;
  readonly at: Date;
  readonly kind: LedgerTxKind;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly version: bigint;
  readonly note: string | null;
}

/** $1 operator, $2 the version before which the account is read. */
const readEntries = {
  name: "operator-ledger",
  text: `
    select e.*, t.kind::text as kind, c.reason as note from ledger_account a cross join lateral (
        select tx_id, created_at as at, amount, balance_after, account_version as version from ledger_entry
         where account_id = a.id and account_version < $2 order by account_version desc limit ${pageSizeMax + 1}) e
      join ledger_tx t on t.id = e.tx_id
      left join ledger_correction c on t.kind = 'correction' and c.id = substr(t.idempotency_key, length('correction:') + 1)
     where a.owner_id = $1 and a.kind = 'operator_payable' and a.shard = 0
     order by e.version desc`,
};

/** The entries of what the operator is owed, newest first: earnings, payouts and what staff corrected. */
export async function listOperatorLedger(ctx: ServiceContext, input: PageInput): Promise<Page<LedgerLine>> {
  const { operatorId } = requireOperator(ctx);
  const rows = await ctx.statements.query<Row>(readEntries, [operatorId, readNumberCursor(input.cursor)]);
  return toPage(
    rows,
    pageSize(input),
    (row) => row.version.toString(),
    (row) => ({
      txId: row.tx_id,
      at: row.at,
      kind: row.kind,
      account: "earnings",
      asset: "USD6",
      amount: row.amount,
      balanceAfter: row.balance_after,
      note: row.note,
    }),
  );
}
