import { type Currency, minorPerUnit } from "@karvon/domain";
import { formatFixed } from "./format.ts";

/** What is paid, in its own currency: `$15.00`, `189,757 UZS` (soums are paid whole). */
export function formatCharge(minor: bigint, currency: Currency): string {
  if (currency === "USD") return `$${formatFixed(minor, minorPerUnit, 2)}`;
  return `${formatFixed(minor, minorPerUnit, minor % minorPerUnit === 0n ? 0 : 2)} UZS`;
}
