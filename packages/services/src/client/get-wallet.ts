import { invariant } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { WalletView } from "../money-views.ts";
import { readWallets } from "../wallet/read-wallets.ts";

/** The client's wallet, and what it would buy now. */
export async function getWallet(ctx: ServiceContext): Promise<WalletView> {
  const { clientId } = requireClient(ctx);
  const wallet = (await readWallets(ctx.database, [clientId])).get(clientId);
  invariant(wallet !== undefined, "every client has a wallet");
  return wallet;
}
