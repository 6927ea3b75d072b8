import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import { assertPublicBlock, insertEntry } from "../allowlist/insert-entry.ts";
import { hasShownAddress } from "../allowlist/shown-addresses.ts";
import type { ServiceContext } from "../context.ts";
import type { CreateAllowlistEntryInput } from "../inputs/allowlist.ts";
import { transact } from "../transaction.ts";

/**
 * Lets programs at one address use a proxy user without a password, within a second. ADDRESS_UNPROVEN unless the client sits at that
 * address now or a program of its own logged in from there with a password in the last 24 hours; ADDRESS_TAKEN when another
 * client has it; INPUT_INVALID when it is not public or a parameter is wrong; LIMIT_EXCEEDED at 32; STATE_CONFLICT; NOT_FOUND.
 */
export async function createAllowlistEntry(ctx: ServiceContext, input: CreateAllowlistEntryInput): Promise<{ id: string }> {
  const { clientId } = requireClient(ctx);
  const { proxyUserId, address: block, defaultParameters } = input;
  assertPublicBlock(ctx, block);
  if (!(await hasShownAddress(ctx, clientId, block))) throw unproven(block);
  return transact(ctx, async (tx) => {
    const made = await insertEntry(ctx, tx, { proxyUserId, clientId, block, defaultParameters });
    const detail = { block, username: made.username, defaultParameters: made.defaultParameters };
    await tx.audit({ action: "allowlist.create", subjectId: proxyUserId, detail });
    await tx.notify({ kind: "proxy_user", id: proxyUserId });
    return { id: made.id };
  });
}

function unproven(address: string): AppError {
  return new AppError(
    "ADDRESS_UNPROVEN",
    `You have not shown that ${address} is yours. Open this panel from there, or send a request from there with the password of one of your proxy users, wait ten seconds and try again; it counts for 24 hours.`,
  );
}
