import { requireAdmin } from "../actor.ts";
import { assertPublicBlock, insertEntry } from "../allowlist/insert-entry.ts";
import type { ServiceContext } from "../context.ts";
import type { GrantAllowlistBlockInput } from "../inputs/allowlist.ts";
import { transact } from "../transaction.ts";

/**
 * Lets programs in a block use a client's proxy user without a password, within a second. Staff vouch that the block is the client's:
 * nothing else is asked. ADDRESS_TAKEN when another client has a part of it; otherwise as `createAllowlistEntry`.
 */
export async function grantAllowlistBlock(ctx: ServiceContext, input: GrantAllowlistBlockInput): Promise<{ id: string }> {
  requireAdmin(ctx);
  const { proxyUserId, block, defaultParameters, reason } = input;
  assertPublicBlock(ctx, block);
  return transact(ctx, async (tx) => {
    const made = await insertEntry(ctx, tx, { proxyUserId, clientId: null, block, defaultParameters });
    const detail = { block, username: made.username, defaultParameters: made.defaultParameters };
    await tx.audit({ action: "allowlist.grant", subjectId: proxyUserId, reason, detail });
    await tx.notify({ kind: "proxy_user", id: proxyUserId });
    return { id: made.id };
  });
}
