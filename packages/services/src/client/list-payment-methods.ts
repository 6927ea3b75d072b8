import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { readRate } from "../payments/charge-rule.ts";
import type { PaymentMethodView } from "../views.ts";

/** The ways to pay that are set up and have an exchange rate, in the order in which they are offered. */
export async function listPaymentMethods(ctx: ServiceContext): Promise<PaymentMethodView[]> {
  requireClient(ctx);
  const offered = await Promise.all(
    ctx.payments.list.map(async ({ provider, currency, stepMinor }) => {
      const rate = await readRate(ctx.database, currency);
      return rate === null ? null : { provider, currency, stepMinor, minorPerUsd: rate.minorPerUsd };
    }),
  );
  return offered.filter((method) => method !== null);
}
