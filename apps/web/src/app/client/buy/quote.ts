import { bytesPerGb, chargeMinor, dueMicroUsd, priceForVolume } from "@karvon/domain";
import type { ClientPrice, PaymentMethod } from "#trpc/types.ts";

export interface Quote {
  /** Null while the field holds no whole number of them. */
  readonly gigabytes: number | null;
  readonly picoUsdPerByte: bigint;
  /** Micro-USD. */
  readonly price: bigint | null;
  /** Smallest units of the method's currency: what the server is told that we showed. */
  readonly charge: bigint | null;
}

export function quoteFor(offer: ClientPrice, method: PaymentMethod | undefined, gigabytes: number): Quote {
  if (!Number.isInteger(gigabytes) || gigabytes < 1)
    return { gigabytes: null, picoUsdPerByte: priceForVolume(offer, offer.monthBytes), price: null, charge: null };
  const bytes = BigInt(gigabytes) * bytesPerGb;
  const picoUsdPerByte = priceForVolume(offer, offer.monthBytes + bytes);
  const price = dueMicroUsd(bytes, picoUsdPerByte);
  return { gigabytes, picoUsdPerByte, price, charge: method === undefined ? null : chargeBy(method, price) };
}

export function chargeBy({ minorPerUsd, stepMinor }: PaymentMethod, microUsd: bigint): bigint {
  return chargeMinor(microUsd, { minorPerUsd, step: stepMinor });
}
