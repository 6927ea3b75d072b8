import { bytesPerGb, dueMicroUsd, priceForVolume } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { TrafficPack } from "../views.ts";
import { readClientPrice } from "./get-price.ts";

const packsInGigabytes = [1, 5, 10, 50, 100, 500, 1_000] as const;

/** The sizes that the shop shows, each at the price of the tier that is reached with it. Any whole number of GB can be bought. */
export async function listPacks(ctx: ServiceContext): Promise<TrafficPack[]> {
  const { clientId } = requireClient(ctx);
  const price = await readClientPrice(ctx, clientId, ctx.now());
  return packsInGigabytes.map((gigabytes) => {
    const bytes = BigInt(gigabytes) * bytesPerGb;
    const picoUsdPerByte = priceForVolume(price, price.monthBytes + bytes);
    return { gigabytes, bytes, amountMicroUsd: dueMicroUsd(bytes, picoUsdPerByte), picoUsdPerByte };
  });
}
