import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { readRates } from "../prices/read-rates.ts";
import type { RateCardView } from "../money-views.ts";

/** What operators earn for a byte now, and by which version of the price list; null while there is none. */
export async function getRateCard(ctx: ServiceContext): Promise<RateCardView | null> {
  requireOperator(ctx);
  const version = await ctx.database.price.findFirst({
    where: { isListed: true, validFrom: { lte: ctx.now() } },
    orderBy: [{ validFrom: "desc" }, { id: "desc" }],
    select: { id: true, validFrom: true, operatorPicoUsdPerByte: true },
  });
  if (version === null) return null;
  const { id, ...card } = version;
  return { ...card, rates: (await readRates(ctx.database, [id])).get(id) ?? [] };
}
