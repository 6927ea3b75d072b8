import { requireClient } from "../actor.ts";
import { deleteEntry } from "../allowlist/delete-entry.ts";
import type { ServiceContext } from "../context.ts";
import type { AllowlistEntryIdInput } from "../inputs/allowlist.ts";
import { transact } from "../transaction.ts";

/** From there a password is needed again, within a second, for every new session; open ones finish. Also for what staff gave. NOT_FOUND. */
export async function deleteAllowlistEntry(ctx: ServiceContext, { id }: AllowlistEntryIdInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  await transact(ctx, async (tx) => {
    const { proxyUserId, block } = await deleteEntry(tx, id, clientId);
    await tx.audit({ action: "allowlist.delete", subjectId: proxyUserId, detail: { block } });
    await tx.notify({ kind: "proxy_user", id: proxyUserId });
  });
}
