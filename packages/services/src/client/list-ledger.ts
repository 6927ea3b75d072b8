import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { type PageInput, pageSizeMax } from "../inputs/common.ts";
import { pageSize } from "../paging.ts";
import type { LedgerAsset, LedgerLine, LedgerTxKind, Page } from "../views.ts";

interface Row {
  readonly tx_id: bigint;
  readonly at: Date;
  readonly kind: LedgerTxKind;
  readonly asset: LedgerAsset;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly version: bigint;
  readonly note: string | null;
}

/** The version below which the next page of each account begins. */
type Position = Record<LedgerAsset, bigint>;

const end = 9_223_372_036_854_775_807n;

/** $1 client, $2 and $3 the versions before which the byte and the money account are read. */
const readEntries = {
  name: "client-ledger",
  text: `
    select e.*, t.kind::text as kind, coalesce(c.reason, 'Order ' || o.number) as note from ledger_account a cross join lateral (
        select tx_id, created_at as at, asset::text as asset, amount, balance_after, account_version as version from ledger_entry
         where account_id = a.id and account_version < case a.asset when 'BYTE' then $2::bigint else $3::bigint end
         order by account_version desc limit ${pageSizeMax + 1}) e
      join ledger_tx t on t.id = e.tx_id
      left join ledger_correction c on t.kind = 'correction' and c.id = substr(t.idempotency_key, length('correction:') + 1)
      left join client_order o on t.kind in ('top_up', 'refund') and o.id = split_part(t.idempotency_key, ':', 2)
     where a.owner_id = $1 and a.kind in ('client_bytes', 'client_usd') and a.shard = 0
     order by e.asset, e.version desc`,
};

/**
 * The entries of the client's two accounts, newest first: a purchase or a report of traffic has a line in bytes and
 * one in money. Each account is read along its own version numbers, so a page costs the same however long the account is.
 */
export async function listLedger(ctx: ServiceContext, input: PageInput): Promise<Page<LedgerLine>> {
  const { clientId } = requireClient(ctx);
  const limit = pageSize(input);
  const from = readPosition(input.cursor);
  const rows = await ctx.statements.query<Row>(readEntries, [clientId, from.BYTE, from.USD6]);
  return takePage(rows, limit, from);
}

/** Merges two lists that are each newest first. It never takes a row before the ones above it in its own list. */
function takePage(rows: readonly Row[], limit: number, from: Position): Page<LedgerLine> {
  const lists = [rows.filter((row) => row.asset === "BYTE"), rows.filter((row) => row.asset === "USD6")];
  const position = { ...from };
  const items: LedgerLine[] = [];
  while (items.length < limit) {
    const [bytes, money] = lists;
    const list = isNewer(bytes?.[0], money?.[0]) ? bytes : money;
    const row = list?.shift();
    if (row === undefined) return { items, nextCursor: null };
    position[row.asset] = row.version;
    items.push({
      txId: row.tx_id,
      at: row.at,
      kind: row.kind,
      asset: row.asset,
      amount: row.amount,
      balanceAfter: row.balance_after,
      note: row.note,
    });
  }
  const isMore = lists.some((list) => list.length > 0);
  return { items, nextCursor: isMore ? `${position.BYTE}~${position.USD6}` : null };
}

function isNewer(left: Row | undefined, right: Row | undefined): boolean {
  if (left === undefined || right === undefined) return right === undefined;
  return left.at.getTime() === right.at.getTime() ? left.tx_id >= right.tx_id : left.at > right.at;
}

function readPosition(cursor: string | undefined): Position {
  if (cursor === undefined) return { BYTE: end, USD6: end };
  const [, bytes, money] = /^(\d{1,19})~(\d{1,19})$/.exec(cursor) ?? [];
  const position = { BYTE: BigInt(bytes ?? end + 1n), USD6: BigInt(money ?? end + 1n) };
  if (position.BYTE > end || position.USD6 > end) throw new AppError("INPUT_INVALID", "This page link is not valid any more.");
  return position;
}
