/** What both panels read of a payout. */
import type { Prisma } from "@karvon/db";
import type { PayoutView } from "../money-views.ts";

export const payoutColumns = {
  id: true,
  createdAt: true,
  amountMicroUsd: true,
  method: true,
  destination: true,
  holderName: true,
  status: true,
  failure: true,
  reference: true,
  checkedAt: true,
  sentAt: true,
  settledAt: true,
} satisfies Prisma.PayoutSelect;

/** Everything older than the cursor, in the order of the pages. */
export function olderThan({ at, id }: { readonly at: Date; readonly id: string }): Prisma.PayoutWhereInput {
  return { OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: id } }] };
}

export const newestFirst = [{ createdAt: "desc" }, { id: "desc" }] satisfies Prisma.PayoutOrderByWithRelationInput[];

export function showPayout(row: PayoutView): PayoutView {
  const { id, createdAt, amountMicroUsd, method, destination, holderName, status, failure, reference, checkedAt, sentAt, settledAt } = row;
  return { id, createdAt, amountMicroUsd, method, destination, holderName, status, failure, reference, checkedAt, sentAt, settledAt };
}
