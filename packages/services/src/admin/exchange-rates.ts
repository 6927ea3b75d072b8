import { AppError, newId, parseMinor } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ExchangeRateInput } from "../inputs/admin.ts";
import { transact } from "../transaction.ts";
import type { ExchangeRateView } from "../views.ts";

const shownMax = 50;

/** Newest first; the first one is in force. */
export async function listExchangeRates(ctx: ServiceContext): Promise<ExchangeRateView[]> {
  requireAdmin(ctx);
  return ctx.database.exchangeRate.findMany({
    orderBy: [{ validFrom: "desc" }, { id: "desc" }],
    take: shownMax,
    select: { id: true, currency: true, minorPerUsd: true, setBy: true, validFrom: true },
  });
}

/** States by which rate orders are charged from now on. Orders that are there keep theirs; rates are never changed or removed. */
export async function setExchangeRate(ctx: ServiceContext, input: ExchangeRateInput): Promise<void> {
  const admin = requireAdmin(ctx);
  const minorPerUsd = parseMinor(input.perUsd);
  if (minorPerUsd === null || minorPerUsd === 0n)
    throw new AppError("INPUT_INVALID", "A rate is a positive number with at most two decimals.");
  await transact(ctx, async (tx) => {
    const { currency, reason } = input;
    const now = ctx.now();
    const rate = await tx.db.exchangeRate.create({
      data: { id: newId("xrt", now.getTime()), currency, minorPerUsd, setBy: admin.userId, validFrom: now },
      select: { id: true },
    });
    await tx.audit({ action: "exchange_rate.set", subjectId: rate.id, reason, detail: { currency, minorPerUsd: minorPerUsd.toString() } });
  });
}
