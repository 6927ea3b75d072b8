/**
 * What was ordered, taken out of its client's balance while the provider is asked to send the money back. Each runs under the
 * order's lock (locked-order.ts).
 *
 * A hold and its release are ledger transactions of their own; `refundHolds` counts them, so it is odd while it is held.
 */
import type { DatabaseTransaction } from "../database.ts";
import { postLedger } from "../sql-functions.ts";
import type { LockedOrder } from "./locked-order.ts";
import { goodsEntries } from "./order-entries.ts";
import { orderHash } from "./order-hash.ts";

/** Whether what was ordered can be taken back whole. Holds the balance until the transaction ends. */
export async function isUnspent(db: DatabaseTransaction, order: LockedOrder): Promise<boolean> {
  const isWallet = order.product === "wallet";
  const [account] = await db.$queryRaw<{ free: bigint }[]>`
    select posted - reserved as free from ledger_account
     where kind = ${isWallet ? "client_wallet" : "client_bytes"}::"LedgerAccountKind" and owner_id = ${order.clientId} and shard = 0
       for no key update`;
  return (account?.free ?? 0n) >= (isWallet ? order.amountMicroUsd : order.bytes);
}

export function isHeld({ refundHolds }: LockedOrder): boolean {
  return refundHolds % 2 === 1;
}

export function holdGoods(db: DatabaseTransaction, order: LockedOrder, actor: string): Promise<void> {
  return move(db, order, actor, -1n);
}

export function releaseGoods(db: DatabaseTransaction, order: LockedOrder, actor: string): Promise<void> {
  return move(db, order, actor, 1n);
}

async function move(db: DatabaseTransaction, order: LockedOrder, actor: string, sign: 1n | -1n): Promise<void> {
  const { id, refundHolds } = order;
  await db.order.update({ where: { id }, data: { refundHolds: refundHolds + 1 }, select: { id: true } });
  await postLedger(db, {
    key: `refund-hold:${id}:${refundHolds + 1}`,
    kind: "refund",
    actor,
    requestSha256: orderHash(order),
    entries: goodsEntries(order, sign),
  });
}
