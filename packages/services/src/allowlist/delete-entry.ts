import { AppError } from "@karvon/domain";
import type { Transaction } from "../transaction.ts";

export interface DeletedEntry {
  readonly proxyUserId: string;
  readonly block: string;
}

/** `clientId` null for staff, who may remove anybody's. NOT_FOUND. */
export async function deleteEntry(tx: Transaction, id: string, clientId: string | null): Promise<DeletedEntry> {
  const [deleted] = await tx.db.$queryRaw<DeletedEntry[]>`
    delete from allowlist_entry where id = ${id} and client_id = coalesce(${clientId}, client_id)
    returning proxy_user_id as "proxyUserId", abbrev(cidr) as block`;
  if (deleted === undefined) throw new AppError("NOT_FOUND", "This address is not listed any more.");
  return deleted;
}
