/**
 * An order's traffic, taken out of its client's balance while the provider is asked to send the money back. Each runs under the
 * order's lock (locked-order.ts).
 *
 * A hold and its release are ledger transactions of their own; `refundHolds` counts them, so it is odd while traffic is held.
 */
import type { DatabaseTransaction } from "../database.ts";
import { postLedger } from "../sql-functions.ts";
import type { LockedOrder } from "./locked-order.ts";
import { orderHash } from "./order-hash.ts";

/** Whether the order's traffic can be taken back whole. Holds the balance until the transaction ends. */
export async function hasUnusedTraffic(db: DatabaseTransaction, order: LockedOrder): Promise<boolean> {
  const [account] = await db.$queryRaw<{ free: bigint }[]>`
    select posted - reserved as free from ledger_account
     where kind = 'client_bytes' and owner_id = ${order.clientId} and shard = 0 for no key update`;
  return (account?.free ?? 0n) >= order.bytes;
}

export function isTrafficHeld({ refundHolds }: LockedOrder): boolean {
  return refundHolds % 2 === 1;
}

export function holdTraffic(db: DatabaseTransaction, order: LockedOrder, actor: string): Promise<void> {
  return move(db, order, actor, -order.bytes);
}

export function releaseTraffic(db: DatabaseTransaction, order: LockedOrder, actor: string): Promise<void> {
  return move(db, order, actor, order.bytes);
}

async function move(db: DatabaseTransaction, order: LockedOrder, actor: string, bytes: bigint): Promise<void> {
  const { id, clientId, refundHolds } = order;
  await db.order.update({ where: { id }, data: { refundHolds: refundHolds + 1 }, select: { id: true } });
  await postLedger(db, {
    key: `refund-hold:${id}:${refundHolds + 1}`,
    kind: "refund",
    actor,
    requestSha256: orderHash(order),
    entries: [
      { kind: "bytes_issued", amount: -bytes },
      { kind: "client_bytes", ownerId: clientId, amount: bytes },
    ],
  });
}
