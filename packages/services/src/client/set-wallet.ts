import { readUsd } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SetWalletInput } from "../inputs/wallet.ts";
import { transact } from "../transaction.ts";

/**
 * Whether money of the wallet turns into bytes when there are too few of them, and how much of it in a calendar month (UTC).
 * Gateways obey with the next bytes that they ask for: what was bought before stays.
 */
export async function setWallet(ctx: ServiceContext, { isOn, capUsd }: SetWalletInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  await transact(ctx, async (tx) => {
    const data = { isPayAsYouGo: isOn, walletCapMicroUsd: capUsd === null ? null : readUsd(capUsd) };
    await tx.db.client.update({ where: { id: clientId }, data, select: { id: true } });
    await tx.audit({ action: "wallet.set", subjectId: clientId, detail: { isOn, capUsd } });
    await tx.notify({ kind: "client", id: clientId });
  });
}
