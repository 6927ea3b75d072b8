import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ClientPriceView } from "../money-views.ts";
import { readTiers } from "../prices/read-tiers.ts";

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

/** The price with its tiers, and what this client bought in the month (UTC) so far: which tier it is in. */
export async function readClientPrice(
  ctx: ServiceContext,
  clientId: string,
  now: Date,
): Promise<ClientPriceView & { readonly id: string }> {
  const price = await getPrice(ctx, clientId, now);
  const [tiers, rows] = await Promise.all([
    readTiers(ctx.database, [price.id]),
    ctx.database.$queryRaw<{ bytes: bigint }[]>`select bought_this_month(${clientId}) as bytes`,
  ]);
  return { ...price, tiers: tiers.get(price.id) ?? [], monthBytes: rows[0]?.bytes ?? 0n };
}

/** What the signed-in client pays. */
export async function getClientPrice(ctx: ServiceContext): Promise<ClientPriceView> {
  const { clientId } = requireClient(ctx);
  const { picoUsdPerByte, tiers, monthBytes } = await readClientPrice(ctx, clientId, ctx.now());
  return { picoUsdPerByte, tiers, monthBytes };
}
