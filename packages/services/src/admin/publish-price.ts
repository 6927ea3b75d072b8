import { AppError, invariant, newId, readUsd } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PublishPriceInput } from "../inputs/prices.ts";
import { transact } from "../transaction.ts";

/** Micro-USD for one GB are as many thousandths of a pico-USD for one byte. */
const microUsdPerGbPerPico = 1_000n;

/**
 * Adds a version to the price list: it holds from its instant on for every client without a price of its own. Sessions that are
 * open keep the price with which they opened; gateways learn of a new one within 30 s. Its rates say what operators earn for exits of
 * some countries or connections.
 *
 * A version is never changed, so its instant lies ahead. INPUT_INVALID when it does not, or when operators would earn more than
 * clients pay; STATE_CONFLICT when another version begins at the same instant.
 */
export async function publishPrice(ctx: ServiceContext, input: PublishPriceInput): Promise<{ readonly id: string }> {
  requireAdmin(ctx);
  const now = ctx.now();
  const validFrom = input.validFrom === undefined ? now : new Date(input.validFrom);
  if (validFrom < now) throw new AppError("INPUT_INVALID", "A price begins now or later: what was charged stays as it was.");
  const [picoUsdPerByte, operatorPicoUsdPerByte] = [picoOf(input.usdPerGb), picoOf(input.operatorUsdPerGb)];
  const rates = input.rates.map(({ usdPerGb, ...place }) => ({ ...place, operatorPicoUsdPerByte: picoOf(usdPerGb) }));
  if ([...rates, { operatorPicoUsdPerByte }].some((rate) => rate.operatorPicoUsdPerByte > picoUsdPerByte))
    throw new AppError("INPUT_INVALID", "Operators cannot earn more than clients pay.");
  const id = newId("prc", now.getTime());
  await transact(ctx, async (tx) => {
    const twin = await tx.db.price.findFirst({ where: { isListed: true, validFrom }, select: { id: true } });
    if (twin !== null) throw new AppError("STATE_CONFLICT", "Another version begins at this instant.");
    const data = { id, name: input.name, picoUsdPerByte, operatorPicoUsdPerByte, validFrom, createdAt: now };
    await tx.db.price.create({ data, select: { id: true } });
    const shared = { ...data, isListed: false, baseId: id };
    await tx.db.price.createMany({ data: rates.map((rate) => ({ ...shared, ...rate, id: newId("prc", now.getTime()) })) });
    const detail = {
      usdPerGb: input.usdPerGb,
      rates: input.rates.length,
      operatorUsdPerGb: input.operatorUsdPerGb,
      validFrom: validFrom.toISOString(),
    };
    await tx.audit({ action: "price.publish", subjectId: id, reason: input.reason, detail });
  });
  return { id };
}

function picoOf(usdPerGb: string): bigint {
  const microUsdPerGb = readUsd(usdPerGb);
  invariant(microUsdPerGb !== null && microUsdPerGb % microUsdPerGbPerPico === 0n, "inputs let through prices of three decimals only");
  return microUsdPerGb / microUsdPerGbPerPico;
}
