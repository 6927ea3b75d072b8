import { bytesPerGb, chargeMinor, dueMicroUsd } from "@karvon/domain";
import type { Pack, PaymentMethod } from "#trpc/types.ts";

export interface Quote {
  /** Null while the field holds no whole number of them. */
  readonly gigabytes: number | null;
  readonly picoUsdPerByte: bigint;
  /** Micro-USD. */
  readonly price: bigint | null;
  /** Smallest units of the method's currency: what the server is told that we showed. */
  readonly charge: bigint | null;
}

export function quoteFor(packs: readonly Pack[], method: PaymentMethod | undefined, gigabytes: number): Quote {
  const picoUsdPerByte = priceFor(packs, gigabytes);
  if (!Number.isInteger(gigabytes) || gigabytes < 1) return { gigabytes: null, picoUsdPerByte, price: null, charge: null };
  const price = dueMicroUsd(BigInt(gigabytes) * bytesPerGb, picoUsdPerByte);
  const charge = method === undefined ? null : chargeMinor(price, { minorPerUsd: method.minorPerUsd, step: method.stepMinor });
  return { gigabytes, picoUsdPerByte, price, charge };
}

/** That of the pack that a custom amount is priced as: the largest that is not larger. */
function priceFor(packs: readonly Pack[], gigabytes: number): bigint {
  const sorted = packs.toSorted((left, right) => left.gigabytes - right.gigabytes);
  const fitting = sorted.filter((pack) => pack.gigabytes <= gigabytes).at(-1) ?? sorted[0];
  return fitting?.picoUsdPerByte ?? 0n;
}
