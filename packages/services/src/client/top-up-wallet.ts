import { AppError, readUsd } from "@karvon/domain";
import type { ServiceContext } from "../context.ts";
import type { TopUpWalletInput } from "../inputs/wallet.ts";
import { purchase } from "../payments/purchase.ts";
import type { PurchaseView } from "../views.ts";

/** Orders money for the client's wallet. Refusals and repetitions: see `purchase`. */
export async function topUpWallet(ctx: ServiceContext, { usd, ...request }: TopUpWalletInput): Promise<PurchaseView> {
  const amountMicroUsd = readUsd(usd);
  if (amountMicroUsd === null) throw new AppError("INPUT_INVALID", "This is no amount in dollars.");
  return purchase(ctx, { product: "wallet", priceId: null, bytes: 0n, amountMicroUsd }, request);
}
