import { requireAdmin } from "../actor.ts";
import { deleteEntry } from "../allowlist/delete-entry.ts";
import type { ServiceContext } from "../context.ts";
import type { ReasonedId } from "../inputs/common.ts";
import { transact } from "../transaction.ts";

/** Takes an address or a block off a client's allowlist, whoever listed it. Open sessions finish. NOT_FOUND. */
export async function revokeAllowlistEntry(ctx: ServiceContext, { id, reason }: ReasonedId): Promise<void> {
  requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    const { proxyUserId, block } = await deleteEntry(tx, id, null);
    await tx.audit({ action: "allowlist.revoke", subjectId: proxyUserId, reason, detail: { block } });
    await tx.notify({ kind: "proxy_user", id: proxyUserId });
  });
}
