import { AppError, invariant, newId, readUsd, type VolumeTier } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PublishPriceInput } from "../inputs/prices.ts";
import { transact } from "../transaction.ts";

/** Micro-USD for one GB are as many thousandths of a pico-USD for one byte. */
const microUsdPerGbPerPico = 1_000n;

/**
 * Adds a version to the price list: it holds from its instant on for every client without a price of its own. Sessions that are
 * open keep the price with which they opened; gateways learn of a new one within 30 s. Its rates say what operators earn for exits of
 * some countries or connections; its tiers, what clients pay from so many GB in a month on.
 *
 * A version is never changed, so its instant lies ahead. INPUT_INVALID when it does not, when operators would earn more than
 * clients pay, or a tier is no cheaper than the one before it; STATE_CONFLICT when another version begins at the same instant.
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
  const tiers = input.tiers
    .map(({ fromGb, usdPerGb }) => ({ fromGb, picoUsdPerByte: picoOf(usdPerGb) }))
    .toSorted((a, b) => a.fromGb - b.fromGb);
  const dearest = [...rates, { operatorPicoUsdPerByte }].reduce((most, rate) => maxOf(most, rate.operatorPicoUsdPerByte), 0n);
  requireFallingTiers(picoUsdPerByte, tiers, dearest);
  const id = newId("prc", now.getTime());
  await transact(ctx, async (tx) => {
    const twin = await tx.db.price.findFirst({ where: { isListed: true, validFrom }, select: { id: true } });
    if (twin !== null) throw new AppError("STATE_CONFLICT", "Another version begins at this instant.");
    const data = { id, name: input.name, picoUsdPerByte, operatorPicoUsdPerByte, validFrom, createdAt: now };
    await tx.db.price.create({ data, select: { id: true } });
    const shared = { ...data, isListed: false, baseId: id };
    await tx.db.price.createMany({ data: rates.map((rate) => ({ ...shared, ...rate, id: newId("prc", now.getTime()) })) });
    await tx.db.priceTier.createMany({ data: tiers.map((tier) => ({ ...tier, priceId: id })) });
    const detail = {
      usdPerGb: input.usdPerGb,
      tiers: input.tiers.map(({ fromGb, usdPerGb }) => `${fromGb}=${usdPerGb}`).join(" "),
      rates: input.rates.length,
      operatorUsdPerGb: input.operatorUsdPerGb,
      validFrom: validFrom.toISOString(),
    };
    await tx.audit({ action: "price.publish", subjectId: id, reason: input.reason, detail });
  });
  return { id };
}

const maxOf = (left: bigint, right: bigint): bigint => (left > right ? left : right);

/** A tier below what operators earn would sell bytes at a loss. */
function requireFallingTiers(price: bigint, tiers: readonly VolumeTier[], operatorsEarn: bigint): void {
  let before = price;
  for (const { fromGb, picoUsdPerByte } of tiers) {
    if (picoUsdPerByte >= before) throw new AppError("INPUT_INVALID", `The tier from ${fromGb} GB must cost less than the one before it.`);
    if (picoUsdPerByte < operatorsEarn) throw new AppError("INPUT_INVALID", `The tier from ${fromGb} GB costs less than operators earn.`);
    before = picoUsdPerByte;
  }
}

function picoOf(usdPerGb: string): bigint {
  const microUsdPerGb = readUsd(usdPerGb);
  invariant(microUsdPerGb !== null && microUsdPerGb % microUsdPerGbPerPico === 0n, "inputs let through prices of three decimals only");
  return microUsdPerGb / microUsdPerGbPerPico;
}
