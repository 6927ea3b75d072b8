import { AppError, centsPerUsd, chargeMinor, formatMinor, type OrderDocument } from "@karvon/domain";
import { requireSignedIn } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { OrderDocumentInput } from "../inputs/client.ts";
import { orderLine } from "../payments/order-line.ts";
import { providerNames } from "../payments/provider-names.ts";

/**
 * What stands on an order's invoice or receipt. NOT_FOUND for an order that is not the client's own (admins see all),
 * ROLE_FORBIDDEN for operators, STATE_CONFLICT for the receipt of an order that was not paid.
 */
export async function getOrderDocument(ctx: ServiceContext, { id, kind }: OrderDocumentInput): Promise<OrderDocument> {
  const actor = requireSignedIn(ctx);
  if (actor.kind === "operator") throw new AppError("ROLE_FORBIDDEN", "Your role may not do this.");
  const order = await ctx.database.order.findFirst({
    where: { id, ...(actor.kind === "client" ? { clientId: actor.clientId } : {}) },
    select: {
      id: true,
      number: true,
      product: true,
      bytes: true,
      amountMicroUsd: true,
      provider: true,
      currency: true,
      chargeMinor: true,
      createdAt: true,
      expiresAt: true,
      cancelledAt: true,
      paidAt: true,
      refundedAt: true,
      exchangeRate: { select: { minorPerUsd: true } },
      client: { select: { user: { select: { email: true, displayName: true } } } },
      payments: { where: { status: { in: ["succeeded", "refunded"] } }, select: { providerRef: true } },
    },
  });
  if (order === null) throw new AppError("NOT_FOUND", "There is no such order.");
  if (kind === "receipt" && order.paidAt === null) throw new AppError("STATE_CONFLICT", "This order is not paid: there is no receipt.");
  const { exchangeRate, client, payments, product, bytes, amountMicroUsd, ...facts } = order;
  const cents = chargeMinor(amountMicroUsd, { minorPerUsd: centsPerUsd, step: 1n });
  return {
    kind,
    number: facts.number,
    orderId: facts.id,
    orderedAt: facts.createdAt,
    expiresAt: facts.expiresAt,
    cancelledAt: facts.cancelledAt,
    paidAt: facts.paidAt,
    refundedAt: facts.refundedAt,
    seller: ctx.payments.settings.bankTransfer?.details ?? ["Karvon", new URL(ctx.panelUrl).host],
    buyer: { name: client.user.displayName, email: client.user.email },
    line: orderLine({ product, bytes, amountMicroUsd }),
    currency: facts.currency,
    chargeMinor: facts.chargeMinor,
    conversion: exchangeRate === null ? null : { priceUsd: formatMinor(cents), perUsd: exchangeRate.minorPerUsd },
    paidBy: providerNames[facts.provider],
    isTransfer: facts.provider === "bank_transfer",
    paidRef: facts.provider === "test" ? null : (payments[0]?.providerRef ?? null),
    isTest: facts.provider === "test",
  };
}
