import { createHash } from "node:crypto";
import type { LockedOrder } from "./locked-order.ts";

/** What the ledger's keys of an order stand for: the same key with other content is IDEMPOTENCY_CONFLICT. */
export function orderHash(order: LockedOrder): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([order.id, order.bytes.toString(), order.amountMicroUsd.toString()]))
    .digest();
}
