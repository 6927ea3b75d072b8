import { bytesPerGb, dueMicroUsd, priceForVolume } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { BuyTrafficInput } from "../inputs/client.ts";
import { purchase } from "../payments/purchase.ts";
import type { PurchaseView } from "../views.ts";
import { readClientPrice } from "./get-price.ts";

/** Orders traffic at the price of the tier that is reached with it. Refusals and repetitions: see `purchase`. */
export async function buyTraffic(ctx: ServiceContext, { gigabytes, ...request }: BuyTrafficInput): Promise<PurchaseView> {
  const { clientId } = requireClient(ctx);
  const price = await readClientPrice(ctx, clientId, ctx.now());
  const bytes = BigInt(gigabytes) * bytesPerGb;
  const amountMicroUsd = dueMicroUsd(bytes, priceForVolume(price, price.monthBytes + bytes));
  return purchase(ctx, { product: "traffic", priceId: price.id, bytes, amountMicroUsd }, request);
}
