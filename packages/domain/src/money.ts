/**
 * Money is integer micro-USD; a price is integer pico-USD per byte (3,000 is 3 USD per GB).
 *
 * What a session owes is a function of its total, never of its parts: `due(total)` is rounded down once,
 * and each flush posts `due(new total) - already posted`. However the bytes are split over flushes, the sum is the same.
 */
import { bytesPerGb, picoPerMicro } from "./units.ts";

declare const brand: unique symbol;
export type MicroUsd = bigint & { readonly [brand]: "MicroUsd" };
export type PicoUsdPerByte = bigint & { readonly [brand]: "PicoUsdPerByte" };

/** What one admin may correct alone within 24 hours, in all. The database keeps it: `correction_alone_max()`. */
export const correctionAloneMax = { bytes: 20_000_000_000n, microUsd: 50_000_000n } as const;

/** What a BIGINT of the ledger can hold. */
const microUsdMax = 2n ** 63n - 1n;

/** What `totalBytes` cost at `price`, rounded down to a whole micro-USD. RangeError when either is negative, and from 2^63 on. */
export function dueMicroUsd(totalBytes: bigint, price: bigint): MicroUsd {
  if (totalBytes < 0n || price < 0n) throw new RangeError("bytes and prices are never negative");
  const due = (totalBytes * price) / picoPerMicro;
  if (due > microUsdMax) throw new RangeError("the amount does not fit the ledger");
  return due as MicroUsd;
}

/** From so many GB in a calendar month on, another price. */
export interface VolumeTier {
  readonly fromGb: number;
  readonly picoUsdPerByte: bigint;
}

/** The price for who has `bytes` in the month: that of the highest tier reached, else the version's. As `tier_price` in SQL. */
export function priceForVolume(
  { picoUsdPerByte, tiers }: { readonly picoUsdPerByte: bigint; readonly tiers: readonly VolumeTier[] },
  bytes: bigint,
): bigint {
  const reached = tiers.filter(({ fromGb }) => BigInt(fromGb) * bytesPerGb <= bytes).toSorted((left, right) => right.fromGb - left.fromGb);
  return reached[0]?.picoUsdPerByte ?? picoUsdPerByte;
}

/** The price of one GB in micro-USD, for price pages. */
export function microUsdPerGb(price: bigint): MicroUsd {
  return ((price * bytesPerGb) / picoPerMicro) as MicroUsd;
}

/** Dollars as people type them, with at most six decimals, as micro-USD; null for anything else. */
export function readUsd(text: string): MicroUsd | null {
  return readDecimal(text, 6) as MicroUsd | null;
}

/** Gigabytes as people type them, with at most nine decimals, as bytes; null for anything else. */
export function readGb(text: string): bigint | null {
  return readDecimal(text, 9);
}

/** `text` times 10^`decimals`, exactly: up to twelve digits before the point. */
function readDecimal(text: string, decimals: number): bigint | null {
  const [, sign = "", whole, fraction = ""] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > decimals) return null;
  const size = BigInt(whole + fraction.padEnd(decimals, "0"));
  return sign === "-" ? -size : size;
}
