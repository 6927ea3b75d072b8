import { AppError } from "@karvon/domain";
import type { ServiceContext } from "../context.ts";

export interface PriceFacts {
  readonly id: string;
  readonly picoUsdPerByte: bigint;
}

/** $1 client, $2 now. */
const readPrice = {
  name: "client-price",
  text: `
    select p.id, p.pico_usd_per_byte as "picoUsdPerByte" from client c cross join lateral (
        select id, pico_usd_per_byte from price
         where id = c.price_id or (c.price_id is null and is_listed and valid_from <= $2) order by valid_from desc limit 1) p
     where c.id = $1`,
};

/** What this client pays now: its own agreed price, or else the newest on the list. Price rows never change. */
export async function getPrice(ctx: Pick<ServiceContext, "statements">, clientId: string, now: Date): Promise<PriceFacts> {
  const [price] = await ctx.statements.query<PriceFacts>(readPrice, [clientId, now]);
  if (price === undefined) throw new AppError("STATE_CONFLICT", "There is no price at the moment. Try again later.");
  return price;
}
