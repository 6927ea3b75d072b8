import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ClientTermsInput } from "../inputs/admin.ts";
import { transact } from "../transaction.ts";
import type { KycState } from "../views.ts";

/** A tier above 0 stands for a verified account. */
const kycColumns: Readonly<Record<KycState, { kycRequired: boolean; kycTier: number }>> = {
  not_asked: { kycRequired: false, kycTier: 0 },
  required: { kycRequired: true, kycTier: 0 },
  verified: { kycRequired: true, kycTier: 1 },
};

export function kycStateOf({ kycRequired, kycTier }: { readonly kycRequired: boolean; readonly kycTier: number }): KycState {
  if (kycTier > 0) return "verified";
  return kycRequired ? "required" : "not_asked";
}

/**
 * Whether a client must be verified before anything is carried for it, and through which countries it may go. Gateways obey
 * within a second: open sessions of an account that must be verified end, and those through other countries. NOT_FOUND when
 * the user is no client.
 */
export async function setClientTerms(ctx: ServiceContext, input: ClientTermsInput): Promise<void> {
  requireAdmin(ctx);
  const { id: userId, kyc, countries, reason } = input;
  await transact(ctx, async (tx) => {
    const [client] = await tx.db.client.updateManyAndReturn({
      where: { userId },
      data: { ...kycColumns[kyc], countries },
      select: { id: true },
    });
    if (client === undefined) throw new AppError("NOT_FOUND", "There is no such client.");
    await tx.audit({ action: "client.set_terms", subjectId: userId, reason, detail: { kyc, countries: countries.join(" ") } });
    await tx.notify({ kind: "client", id: client.id });
  });
}
