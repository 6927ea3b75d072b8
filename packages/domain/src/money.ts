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

/** What `totalBytes` cost at `price`, rounded down to a whole micro-USD. RangeError when either is negative. */
export function dueMicroUsd(totalBytes: bigint, price: bigint): MicroUsd {
  if (totalBytes < 0n || price < 0n) throw new RangeError("bytes and prices are never negative");
  return ((totalBytes * price) / picoPerMicro) as MicroUsd;
}

/** The price of one GB in micro-USD, for price pages. */
export function microUsdPerGb(price: bigint): MicroUsd {
  return ((price * bytesPerGb) / picoPerMicro) as MicroUsd;
}
