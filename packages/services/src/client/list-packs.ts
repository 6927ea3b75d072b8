import { bytesPerGb, dueMicroUsd } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { TrafficPack } from "../views.ts";
import { getPrice } from "./get-price.ts";

const packsInGigabytes = [1, 5, 10, 50, 100, 500, 1_000] as const;

/** The sizes that the shop shows; any whole number of GB can be bought at the same price. */
export async function listPacks(ctx: ServiceContext): Promise<TrafficPack[]> {
  const { clientId } = requireClient(ctx);
  const price = await getPrice(ctx, clientId, ctx.now());
  return packsInGigabytes.map((gigabytes) => {
    const bytes = BigInt(gigabytes) * bytesPerGb;
    return { gigabytes, bytes, amountMicroUsd: dueMicroUsd(bytes, price.picoUsdPerByte), picoUsdPerByte: price.picoUsdPerByte };
  });
}
