/**
 * What a buyer is charged: an order's price in the smallest unit of the currency that is paid in.
 *
 * Whole numbers only. The price is rounded up to `step` smallest units, once, when the order is made; what was quoted is
 * then stored and charged, whatever the exchange rate does later.
 */
import { microPerUsd } from "./units.ts";

/** USD in cents, UZS in tiyin (a hundredth of a soum). */
export type Currency = "USD" | "UZS";

/** Smallest units in one unit of either currency. */
export const minorPerUnit = 100n;
export const centsPerUsd = 100n;

export interface ChargeRule {
  /** Smallest units of the currency for one USD: 100 for USD itself, 1_265_045 for 12,650.45 soum. */
  readonly minorPerUsd: bigint;
  /** Charges are multiples of this many smallest units: 1 cent, or 100 tiyin because soums are paid whole. */
  readonly step: bigint;
}

/** RangeError when the amount is negative, or a rate or step is not positive. */
export function chargeMinor(amountMicroUsd: bigint, { minorPerUsd, step }: ChargeRule): bigint {
  if (amountMicroUsd < 0n || minorPerUsd <= 0n || step <= 0n)
    throw new RangeError("amounts are never negative, rates and steps are positive");
  return ceilDivide(amountMicroUsd * minorPerUsd, microPerUsd * step) * step;
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** `12650.45` as smallest units; null when the text is no positive amount with at most two decimals. */
export function parseMinor(text: string): bigint | null {
  const found = /^(\d{1,15})(?:\.(\d{1,2})0*)?$/.exec(text);
  if (found === null) return null;
  return BigInt(found[1] ?? "") * minorPerUnit + BigInt((found[2] ?? "").padEnd(2, "0"));
}

/** Smallest units as `12650.45`. */
export function formatMinor(minor: bigint): string {
  return `${minor / minorPerUnit}.${(minor % minorPerUnit).toString().padStart(2, "0")}`;
}
