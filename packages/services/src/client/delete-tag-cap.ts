import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { TagInput } from "../inputs/limits.ts";
import { transact } from "../transaction.ts";

/** Takes a tag's caps away, and with them what was counted. NOT_FOUND. */
export async function deleteTagCap(ctx: ServiceContext, { tag }: TagInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.tagCap.deleteMany({ where: { clientId, tag } });
    if (count !== 1) throw new AppError("NOT_FOUND", "This tag has no cap.");
    await tx.audit({ action: "tag_cap.delete", subjectId: clientId, detail: { tag } });
    await tx.notify({ kind: "client", id: clientId });
  });
}
