/**
 * The ledger entries of an order. Goods are what the client has of it: traffic, or money in its wallet. They can be taken by
 * themselves, for a refund that is under way: traffic then counts as not issued, and money as about to leave.
 */
import type { LockedOrder } from "./locked-order.ts";

type Sign = 1n | -1n;

export function goodsEntries({ clientId, product, bytes, amountMicroUsd }: LockedOrder, sign: Sign) {
  const [account, counterpart, amount] =
    product === "wallet"
      ? (["client_wallet", "payout_clearing", sign * amountMicroUsd] as const)
      : (["client_bytes", "bytes_issued", sign * bytes] as const);
  return [
    { kind: counterpart, amount: -amount },
    { kind: account, ownerId: clientId, amount },
  ];
}

export function moneyEntries({ clientId, product, amountMicroUsd, worthMicroUsd }: LockedOrder, sign: Sign) {
  const paid = { kind: "payment_clearing", amount: -sign * amountMicroUsd };
  if (product === "wallet") return [paid, { kind: "payout_clearing", amount: sign * amountMicroUsd }];
  return [
    paid,
    // A tier's discount: sessions are charged at the version's price.
    { kind: "promotion", amount: sign * (amountMicroUsd - worthMicroUsd) },
    { kind: "client_usd", ownerId: clientId, amount: sign * worthMicroUsd },
  ];
}
