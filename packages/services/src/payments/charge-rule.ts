import { AppError, centsPerUsd, type Currency } from "@karvon/domain";
import type { PaymentMethod, PaymentProvider } from "@karvon/payments";
import type { ServiceContext } from "../context.ts";
import type { Reader } from "../database.ts";

/** What one USD is in the currency that is charged, and the row that says so. */
export interface Rate {
  readonly id: string | null;
  readonly minorPerUsd: bigint;
}

/** Null when nobody has set a rate: the currency can then not be charged. */
export async function readRate(db: Reader, currency: Currency): Promise<Rate | null> {
  if (currency === "USD") return { id: null, minorPerUsd: centsPerUsd };
  return db.exchangeRate.findFirst({
    where: { currency },
    orderBy: [{ validFrom: "desc" }, { id: "desc" }],
    select: { id: true, minorPerUsd: true },
  });
}

export function requireMethod(ctx: Pick<ServiceContext, "payments">, provider: PaymentProvider): PaymentMethod {
  const method = ctx.payments.find(provider);
  if (method === null) throw new AppError("PROVIDER_UNAVAILABLE", "This way to pay is not offered.");
  return method;
}
