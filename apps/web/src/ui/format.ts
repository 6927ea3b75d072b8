/**
 * How amounts are written in the panels. 1 GB is 10^9 bytes; money is integer micro-USD.
 *
 * Figures never claim more than there is: digits that are cut off are rounded half away from zero once, and
 * small sums keep up to six decimals, because a request often costs less than a cent.
 * The locale is fixed, so a server and a browser write the same text.
 */
import { bytesPerGb, microPerUsd } from "@karvon/domain";

export type Amount = bigint | number;

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const group = new Intl.NumberFormat("en-US");

function toBig(amount: Amount): bigint {
  return typeof amount === "bigint" ? amount : BigInt(Math.round(amount));
}

/** `amount / unit` with exactly `decimals` digits, rounded half away from zero, with thousands separators. */
export function formatFixed(amount: bigint, unit: bigint, decimals: number): string {
  const scale = 10n ** BigInt(decimals);
  const size = amount < 0n ? -amount : amount;
  const scaled = (size * scale * 2n + unit) / (unit * 2n);
  const whole = group.format(scaled / scale);
  const sign = amount < 0n && scaled > 0n ? "-" : "";
  if (decimals === 0) return sign + whole;
  return `${sign}${whole}.${(scaled % scale).toString().padStart(decimals, "0")}`;
}

/** Bytes in the unit that fits, three significant digits at least: `0 B`, `812 B`, `10.5 MB`, `1.02 TB`. */
export function formatBytes(amount: Amount): string {
  const bytes = toBig(amount);
  const size = bytes < 0n ? -bytes : bytes;
  let power = 0;
  while (power < units.length - 1 && size >= 1000n ** BigInt(power + 1)) power += 1;
  const unit = 1000n ** BigInt(power);
  if (power === 0) return `${group.format(bytes)} B`;
  const decimals = size >= unit * 100n ? 0 : size >= unit * 10n ? 1 : 2;
  return `${formatFixed(bytes, unit, decimals)} ${units[power] ?? "PB"}`;
}

/** Gigabytes as they are bought, whole: `1,000 GB`. */
export function formatWholeGb(amount: Amount): string {
  return `${formatFixed(toBig(amount), bytesPerGb, 0)} GB`;
}

/** Always in GB with three decimals, so that a balance moves visibly after a few megabytes: `4.988 GB`. */
export function formatGb(amount: Amount): string {
  return `${formatFixed(toBig(amount), bytesPerGb, 3)} GB`;
}

/** Every byte: `10,485,760 B`. */
export function formatExactBytes(amount: Amount): string {
  return `${group.format(toBig(amount))} B`;
}

/** A speed in the unit that fits: `1.20 MB/s`. */
export function formatRate(bytesPerSecond: Amount): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** Dollars: two decimals from $1 on, up to six below, so that small sums do not read as zero. */
export function formatUsd(microUsd: Amount): string {
  const micro = toBig(microUsd);
  const size = micro < 0n ? -micro : micro;
  if (size >= microPerUsd || size === 0n) return withDollar(formatFixed(micro, microPerUsd, 2));
  const text = formatFixed(micro, microPerUsd, 6);
  const trimmed = text.replace(/0+$/, "");
  const missing = Math.max(0, text.indexOf(".") + 3 - trimmed.length);
  return withDollar(trimmed + "0".repeat(missing));
}

/** What can be asked for: whole cents, rounded down, so that a sum that is shown is there. */
export function formatUsdDown(microUsd: bigint): string {
  return formatUsd(microUsd - (microUsd % (microPerUsd / 100n)));
}

/** Every micro-dollar: `$0.031457`. For ledgers and equality checks. */
export function formatExactUsd(microUsd: Amount): string {
  return withDollar(formatFixed(toBig(microUsd), microPerUsd, 6));
}

/** The price of one GB from pico-USD per byte: `$3.00 / GB`. */
export function formatPricePerGb(picoUsdPerByte: Amount): string {
  return `${formatUsd((toBig(picoUsdPerByte) * bytesPerGb) / microPerUsd)} / GB`;
}

export function formatCount(amount: Amount): string {
  return group.format(amount);
}

/** `1 node`, `12 nodes`. For nouns whose plural is an s. */
export function formatCountOf(amount: Amount, noun: string): string {
  return `${formatCount(amount)} ${noun}${BigInt(amount) === 1n ? "" : "s"}`;
}

/** A signed amount of one ledger line: bytes for BYTE, exact dollars for USD6. */
export function formatLedgerAmount(asset: string, amount: bigint): string {
  const text = asset === "BYTE" ? formatExactBytes(amount) : formatExactUsd(amount);
  return amount > 0n ? `+${text}` : text;
}

function withDollar(text: string): string {
  return text.startsWith("-") ? `-$${text.slice(1)}` : `$${text}`;
}
