import { AppError, invariant, newId, payoutMicroUsdMin, readUsd } from "@karvon/domain";
import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { RequestPayoutInput } from "../inputs/payouts.ts";
import { reservePayout } from "../payouts/payout-postings.ts";
import { payoutColumns, showPayout } from "../payouts/payout-row.ts";
import { actorId, transact, type Transaction } from "../transaction.ts";
import type { PayoutView } from "../money-views.ts";

/** Of one operator, that are neither paid nor failed. */
export const openPayoutsMax = 5;

/**
 * Asks for money that was earned, and reserves it. However many ask at once, no more is reserved than there is: the account
 * is locked while it is read and written.
 *
 * The same key again answers with the same payout. INPUT_INVALID below the least amount, BALANCE_TOO_LOW, LIMIT_EXCEEDED at
 * 5 open ones, ACCOUNT_SUSPENDED, IDEMPOTENCY_CONFLICT for a used key with another request.
 */
export async function requestPayout(ctx: ServiceContext, input: RequestPayoutInput): Promise<PayoutView> {
  const { operatorId } = requireOperator(ctx);
  const amountMicroUsd = readUsd(input.amountUsd);
  invariant(amountMicroUsd !== null && amountMicroUsd >= payoutMicroUsdMin, "inputs let through amounts that can be paid only");
  return transact(ctx, async (tx) => {
    const now = ctx.now();
    const id = newId("pyt", now.getTime());
    const count = await tx.db.$executeRaw`
      insert into payout (id, operator_id, idempotency_key, amount_micro_usd, method, destination, holder_name, created_at)
      values (${id}, ${operatorId}, ${input.idempotencyKey}, ${amountMicroUsd}, ${input.method}::"PayoutMethod", ${input.destination}, ${input.holderName}, ${now})
      on conflict (operator_id, idempotency_key) do nothing`;
    if (count === 0) return findEarlier(tx, operatorId, input, amountMicroUsd);
    await requireFunds(tx, operatorId, amountMicroUsd);
    await reservePayout(tx.db, { id, operatorId, amountMicroUsd }, actorId(ctx.actor));
    await tx.audit({
      action: "payout.request",
      subjectId: id,
      detail: { operatorId, amountMicroUsd: amountMicroUsd.toString(), method: input.method },
    });
    return showPayout(await tx.db.payout.findUniqueOrThrow({ where: { id }, select: payoutColumns }));
  });
}

interface Funds {
  readonly free: bigint;
  readonly status: string;
}

/** The lock makes what it reads stand until the commit. */
async function requireFunds(tx: Transaction, operatorId: string, amountMicroUsd: bigint): Promise<void> {
  const [funds] = await tx.db.$queryRaw<Funds[]>`
    select a.posted - a.reserved as free, o.status::text as status from ledger_account a join operator o on o.id = a.owner_id
     where a.kind = 'operator_payable' and a.owner_id = ${operatorId} and a.shard = 0 for no key update of a`;
  if (funds !== undefined && funds.status !== "active") throw new AppError("ACCOUNT_SUSPENDED", "A suspended account is paid nothing.");
  if (funds === undefined || funds.free < amountMicroUsd) {
    throw new AppError("BALANCE_TOO_LOW", "This is more than has been earned and not been asked for yet.");
  }
  const open = await tx.db.payout.count({ where: { operatorId, status: { in: ["requested", "checked", "sent"] } } });
  // The new one is among them.
  if (open > openPayoutsMax)
    throw new AppError("LIMIT_EXCEEDED", `At most ${openPayoutsMax} payouts are open at once. Wait for one of them.`);
}

async function findEarlier(tx: Transaction, operatorId: string, input: RequestPayoutInput, amountMicroUsd: bigint): Promise<PayoutView> {
  const known = await tx.db.payout.findUniqueOrThrow({
    where: { operatorId_idempotencyKey: { operatorId, idempotencyKey: input.idempotencyKey } },
    select: payoutColumns,
  });
  const isSame =
    known.amountMicroUsd === amountMicroUsd &&
    known.method === input.method &&
    known.destination === input.destination &&
    known.holderName === input.holderName;
  if (!isSame) throw new AppError("IDEMPOTENCY_CONFLICT", "This payout was asked for with other words. Start a new one.");
  return showPayout(known);
}
