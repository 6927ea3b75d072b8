import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { type PageInput, pageSizeMax } from "../inputs/common.ts";
import { pageSize } from "../paging.ts";
import type { LedgerAsset, LedgerLine, LedgerTxKind, Page } from "../views.ts";

const accounts = ["traffic", "worth", "wallet"] as const;

interface Row {
  readonly tx_id: bigint;
  readonly at: Date;
  readonly kind: LedgerTxKind;
  readonly account: (typeof accounts)[number];
  readonly asset: LedgerAsset;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly version: bigint;
  readonly note: string | null;
}

/** The version below which the next page of each account begins. */
type Position = Record<(typeof accounts)[number], bigint>;

const accountName = "case a.kind when 'client_bytes' then 'traffic' when 'client_usd' then 'worth' else 'wallet' end";
const end = 9_223_372_036_854_775_807n;

/** $1 client, $2 to $4 the versions before which the accounts of traffic, its worth and the wallet are read. */
const readEntries = {
  name: "client-ledger",
  text: `
    select e.*, t.kind::text as kind, ${accountName} as account, coalesce(c.reason, 'Order ' || o.number) as note from ledger_account a cross join lateral (
        select tx_id, created_at as at, asset::text as asset, amount, balance_after, account_version as version from ledger_entry
         where account_id = a.id and account_version < case a.kind when 'client_bytes' then $2::bigint when 'client_usd' then $3::bigint else $4::bigint end
         order by account_version desc limit ${pageSizeMax + 1}) e
      join ledger_tx t on t.id = e.tx_id
      left join ledger_correction c on t.kind = 'correction' and c.id = substr(t.idempotency_key, length('correction:') + 1)
      left join client_order o on t.kind in ('top_up', 'refund') and o.id = split_part(t.idempotency_key, ':', 2)
     where a.owner_id = $1 and a.kind in ('client_bytes', 'client_usd', 'client_wallet') and a.shard = 0
     order by a.kind, e.version desc`,
};

/**
 * The entries of the client's accounts, newest first: a purchase or a report of traffic has a line in bytes and one in
 * money. Each account is read along its own version numbers, so a page costs the same however long the account is.
 */
export async function listLedger(ctx: ServiceContext, input: PageInput): Promise<Page<LedgerLine>> {
  const { clientId } = requireClient(ctx);
  const limit = pageSize(input);
  const from = readPosition(input.cursor);
  const rows = await ctx.statements.query<Row>(readEntries, [clientId, from.traffic, from.worth, from.wallet]);
  return takePage(rows, limit, from);
}

/** Merges lists that are each newest first. It never takes a row before the ones above it in its own list. */
function takePage(rows: readonly Row[], limit: number, from: Position): Page<LedgerLine> {
  const lists = accounts.map((account) => rows.filter((row) => row.account === account));
  const position = { ...from };
  const items: LedgerLine[] = [];
  while (items.length < limit) {
    const list = lists.reduce((best, other) => (isNewer(best[0], other[0]) ? best : other));
    const row = list.shift();
    if (row === undefined) return { items, nextCursor: null };
    position[row.account] = row.version;
    items.push({
      txId: row.tx_id,
      at: row.at,
      kind: row.kind,
      account: row.account,
      asset: row.asset,
      amount: row.amount,
      balanceAfter: row.balance_after,
      note: row.note,
    });
  }
  const isMore = lists.some((list) => list.length > 0);
  return { items, nextCursor: isMore ? accounts.map((account) => position[account]).join("~") : null };
}

function isNewer(left: Row | undefined, right: Row | undefined): boolean {
  if (left === undefined || right === undefined) return right === undefined;
  return left.at.getTime() === right.at.getTime() ? left.tx_id >= right.tx_id : left.at > right.at;
}

function readPosition(cursor: string | undefined): Position {
  if (cursor === undefined) return { traffic: end, worth: end, wallet: end };
  const [, ...versions] = /^(\d{1,19})~(\d{1,19})~(\d{1,19})$/.exec(cursor) ?? [];
  const [traffic = end + 1n, worth = end, wallet = end] = versions.map(BigInt);
  if (traffic > end || worth > end || wallet > end) throw new AppError("INPUT_INVALID", "This page link is not valid any more.");
  return { traffic, worth, wallet };
}
