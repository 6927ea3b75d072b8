import { bytesPerGb, centsPerUsd, chargeMinor, formatMinor } from "@karvon/domain";

/** What was bought, for invoices and the pages where one pays. */
export function orderLine({
  product,
  bytes,
  amountMicroUsd,
}: {
  readonly product: "traffic" | "wallet";
  readonly bytes: bigint;
  readonly amountMicroUsd: bigint;
}): string {
  if (product === "traffic") return `${bytes / bytesPerGb} GB of traffic`;
  return `${formatMinor(chargeMinor(amountMicroUsd, { minorPerUsd: centsPerUsd, step: 1n }))} USD for the wallet`;
}
