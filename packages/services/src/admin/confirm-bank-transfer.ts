import { AppError, parseMinor } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ConfirmTransferInput } from "../inputs/admin.ts";
import { findPayment, findSettled, lockOrder } from "../payments/locked-order.ts";
import { addPayment, settleOrder } from "../payments/settle-order.ts";
import { actorId, transact } from "../transaction.ts";

/**
 * Books a bank transfer that an admin has seen on the account. The same confirmation again changes nothing.
 *
 * IDEMPOTENCY_CONFLICT for another amount than the invoice's, and for a bank reference that paid another order;
 * STATE_CONFLICT for an order that is refunded, was paid by another transfer, or is not paid by transfer.
 */
export async function confirmBankTransfer(ctx: ServiceContext, input: ConfirmTransferInput): Promise<void> {
  requireAdmin(ctx);
  const now = ctx.now();
  await transact(ctx, async (tx) => {
    const order = await lockOrder(tx.db, input.id);
    if (order === null) throw new AppError("NOT_FOUND", "There is no such order.");
    if (order.provider !== "bank_transfer") throw new AppError("STATE_CONFLICT", "This order is not paid by bank transfer.");
    if (parseMinor(input.amount) !== order.chargeMinor)
      throw new AppError("IDEMPOTENCY_CONFLICT", "The amount is not the one of the invoice.");
    const known = await findPayment(tx.db, "bank_transfer", input.reference);
    if (known !== null && known.orderId !== order.id) throw new AppError("IDEMPOTENCY_CONFLICT", "This transfer has paid another order.");
    if (order.status === "paid" && (await findSettled(tx.db, order.id))?.providerRef === input.reference) return;
    if (order.status === "paid" || order.status === "refunded" || known !== null)
      throw new AppError("STATE_CONFLICT", `The order is ${order.status}.`);
    const payment = await addPayment(tx.db, order, { provider: "bank_transfer", providerRef: input.reference, now });
    await settleOrder(tx.db, order, payment, { actor: actorId(ctx.actor), now });
    await tx.audit({
      action: "order.confirm_transfer",
      subjectId: order.id,
      reason: input.reason,
      detail: { reference: input.reference, chargeMinor: order.chargeMinor.toString(), wasCancelled: order.status === "cancelled" },
    });
    await tx.notify({ kind: "client", id: order.clientId });
  });
}
