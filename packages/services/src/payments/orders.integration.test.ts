import { newId } from "@karvon/domain";
import { testPaymentsOnly } from "@karvon/payments";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientActor } from "../actor.ts";
import { confirmBankTransfer } from "../admin/confirm-bank-transfer.ts";
import { listExchangeRates, setExchangeRate } from "../admin/exchange-rates.ts";
import { listAdminOrders } from "../admin/list-admin-orders.ts";
import { refundOrder } from "../admin/refund-order.ts";
import { buyTraffic } from "../client/buy-traffic.ts";
import { cancelOrder } from "../client/cancel-order.ts";
import { getOrderDocument } from "../client/get-order-document.ts";
import { listOrders } from "../client/list-orders.ts";
import { listPaymentMethods } from "../client/list-payment-methods.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel({
    ...testPaymentsOnly,
    payme: { merchantId: "m", key: "generated", checkoutUrl: "https://test.paycom.uz", sources: [] },
    bankTransfer: { details: ["Karvon Test LLC"] },
  });
});
afterAll(() => panel.close());

const reason = "because of a test";
const buy = (client: ClientActor, changes: object = {}) =>
  buyTraffic(panel.ctx(client), { gigabytes: 5, idempotencyKey: newId("ord"), provider: "payme", ...changes });
const setRate = async (perUsd: string) => setExchangeRate(panel.ctx(await panel.admin()), { currency: "UZS", perUsd, reason });

/** "KV004" and the like, or "done". */
async function databaseAnswer(text: string, values: unknown[]): Promise<string> {
  try {
    await panel.fixtures.pool.query(text, values);
    return "done";
  } catch (cause) {
    return String(Reflect.get(Object(cause), "code"));
  }
}

describe("what is charged", () => {
  test("needs a rate: without one a currency is not offered and not sold", async () => {
    const client = await panel.client();
    const offered = async () => (await listPaymentMethods(panel.ctx(client))).map(({ provider }) => provider);
    expect(await offered()).toEqual(["bank_transfer", "test"]);
    expect(await refusalOf(buy(client))).toBe("PROVIDER_UNAVAILABLE");
    await setRate("12650.45");
    expect(await offered()).toEqual(["payme", "bank_transfer", "test"]);
  });

  test("is what was quoted: a rate set later changes no order that is there", async () => {
    const client = await panel.client();
    await setRate("12650.45");
    const key = newId("ord");
    const bought = await buy(client, { idempotencyKey: key, quotedMinor: 18_975_700n });
    expect(bought).toMatchObject({ status: "pending", currency: "UZS", chargeMinor: 18_975_700n, amountMicroUsd: 15_000_000n });
    await setRate("13000");
    expect(await buy(client, { idempotencyKey: key })).toMatchObject({ orderId: bought.orderId, chargeMinor: 18_975_700n });
    expect(await buy(client)).toMatchObject({ chargeMinor: 19_500_000n });
  });

  test("is refused when the buyer was shown another total", async () => {
    const client = await panel.client();
    expect(await refusalOf(buy(client, { quotedMinor: 1n }))).toBe("QUOTE_CHANGED");
    expect((await listOrders(panel.ctx(client), {})).items).toEqual([]);
  });

  test("names a rate that nobody can change afterwards", async () => {
    await setRate("12650.45");
    const [rate] = await listExchangeRates(panel.ctx(await panel.admin()));
    expect(rate).toMatchObject({ currency: "UZS", minorPerUsd: 1_265_045n });
    expect(await databaseAnswer("update exchange_rate set minor_per_usd = 1 where id = $1", [rate?.id])).toBe("KV004");
    expect(await databaseAnswer("delete from exchange_rate where id = $1", [rate?.id])).toBe("KV004");
    expect(await refusalOf(setRate("0"))).toBe("INPUT_INVALID");
  });

  test("stays with its key: the same key with another provider is a conflict", async () => {
    const client = await panel.client();
    const key = newId("ord");
    await buy(client, { idempotencyKey: key });
    expect(await refusalOf(buy(client, { idempotencyKey: key, provider: "bank_transfer" }))).toBe("IDEMPOTENCY_CONFLICT");
  });
});

describe("the database", () => {
  test.each([
    ["another charge", "update client_order set charge_minor = charge_minor + 1 where id = $1", "KV004"],
    ["other traffic", "update client_order set bytes = bytes + 1 where id = $1", "KV004"],
    ["a paid order that the ledger does not know", "update client_order set status = 'paid', paid_at = now() where id = $1", "KV005"],
    [
      "a refund of what is not paid",
      "update client_order set status = 'refunded', refunded_at = now(), paid_at = now() where id = $1",
      "KV004",
    ],
    ["a cancelled order without its time", "update client_order set status = 'cancelled' where id = $1", "23514"],
    ["a soum charge without a rate", "update client_order set exchange_rate_id = null where id = $1", "KV004"],
    ["removing an order", "delete from client_order where id = $1", "KV004"],
  ])("refuses %s", async (_name, text, code) => {
    const { orderId } = await buy(await panel.client());
    expect(await databaseAnswer(text, [orderId])).toBe(code);
  });

  test.each([
    ["another charge", "update payment set charge_minor = 1 where order_id = $1", "KV004"],
    ["another time of payment", "update payment set settled_at = now() + interval '1 s' where order_id = $1", "KV004"],
    ["a payment that was not", "update payment set status = 'pending', settled_at = null where order_id = $1", "KV004"],
    ["removing a payment", "delete from payment where order_id = $1", "KV004"],
    ["a paid order that is pending again", "update client_order set status = 'pending', paid_at = null where id = $1", "KV004"],
    [
      "a second payment of the order",
      `insert into payment (id, order_id, provider, provider_ref, amount_micro_usd, charge_minor, status, settled_at)
       values ('pay_second', $1, 'test', 'second', 1, 1, 'succeeded', now())`,
      "23505",
    ],
  ])("refuses, of a paid order, %s", async (_name, text, code) => {
    const { orderId } = await buy(await panel.client(), { provider: "test" });
    expect(await databaseAnswer(text, [orderId])).toBe(code);
  });

  test("refuses a posting that no paid order stands for", async () => {
    const { orderId } = await buy(await panel.client());
    const post = `select ledger_post('order:' || $1, 'top_up', 'x', null, '[{"kind":"promotion","amount":1},{"kind":"write_off","amount":-1}]')`;
    await panel.fixtures.pool.query(post, [orderId]);
    expect(await databaseAnswer("update client_order set status = 'cancelled', cancelled_at = now() where id = $1", [orderId])).toBe(
      "KV005",
    );
  });
});

describe("a bank transfer", () => {
  const confirm = async (id: string, changes: object = {}) =>
    confirmBankTransfer(panel.ctx(await panel.admin()), { id, reference: `FT ${id}`, amount: "15.00", reason, ...changes });

  test("waits until an admin confirms it, and is then paid once", async () => {
    const client = await panel.client();
    const { orderId, payUrl } = await buy(client, { provider: "bank_transfer" });
    expect(payUrl).toBeNull();
    await confirm(orderId);
    await confirm(orderId);
    expect((await listOrders(panel.ctx(client), {})).items).toEqual([
      expect.objectContaining({ id: orderId, status: "paid", paidRef: `FT ${orderId}`, chargeMinor: 1_500n, currency: "USD" }),
    ]);
  });

  test("of another amount, of another order, or again by another transfer is refused", async () => {
    const client = await panel.client();
    const [first, second] = [await buy(client, { provider: "bank_transfer" }), await buy(client, { provider: "bank_transfer" })];
    expect(await refusalOf(confirm(first.orderId, { amount: "14.99" }))).toBe("IDEMPOTENCY_CONFLICT");
    await confirm(first.orderId, { reference: "FT 7" });
    expect(await refusalOf(confirm(second.orderId, { reference: "FT 7" }))).toBe("IDEMPOTENCY_CONFLICT");
    expect(await refusalOf(confirm(first.orderId, { reference: "FT 8" }))).toBe("STATE_CONFLICT");
    expect(await refusalOf(confirm((await buy(client)).orderId))).toBe("STATE_CONFLICT");
  });

  test("that comes although the order was given up is booked", async () => {
    const client = await panel.client();
    const { orderId } = await buy(client, { provider: "bank_transfer" });
    await cancelOrder(panel.ctx(client), { id: orderId });
    await confirm(orderId);
    const { items } = await listAdminOrders(panel.ctx(await panel.admin()), { search: orderId });
    expect(items).toEqual([expect.objectContaining({ status: "paid", clientEmail: client.email, refundedBy: "admin" })]);
  });
});

describe("giving up and giving back", () => {
  test("an order that is paid, or being paid, is not cancelled", async () => {
    const client = await panel.client();
    const paid = await buy(client, { provider: "test" });
    expect(await refusalOf(cancelOrder(panel.ctx(client), { id: paid.orderId }))).toBe("STATE_CONFLICT");
    const busy = await buy(client);
    await panel.fixtures.pool.query(
      "insert into payment (id, order_id, provider, provider_ref, amount_micro_usd, charge_minor, status) values ($1, $2, 'payme', $1, 15000000, 18975700, 'pending')",
      [newId("pay"), busy.orderId],
    );
    expect(await refusalOf(cancelOrder(panel.ctx(client), { id: busy.orderId }))).toBe("STATE_CONFLICT");
  });

  test("an order that is cancelled has an invoice that says so, and names no purpose to who does not transfer", async () => {
    const client = await panel.client();
    const invoiceOf = ({ orderId }: { orderId: string }) => getOrderDocument(panel.ctx(client), { id: orderId, kind: "invoice" });
    const [transfer, payme] = [await buy(client, { provider: "bank_transfer" }), await buy(client)];
    expect(await invoiceOf(transfer)).toMatchObject({ isTransfer: true, cancelledAt: null });
    expect(await invoiceOf(payme)).toMatchObject({ isTransfer: false, cancelledAt: null });
    await cancelOrder(panel.ctx(client), { id: transfer.orderId });
    expect(await invoiceOf(transfer)).toMatchObject({ cancelledAt: expect.any(Date), paidAt: null });
  });

  test("Payme's refunds begin at Payme, and used traffic is not refunded", async () => {
    const [client, admin] = [await panel.client(), await panel.admin()];
    const used = await buy(client, { provider: "test" });
    await panel.fixtures.credit(client.clientId, -1n, 0n);
    expect(await refusalOf(refundOrder(panel.ctx(admin), { id: used.orderId, reason }))).toBe("STATE_CONFLICT");
    expect(await refusalOf(refundOrder(panel.ctx(admin), { id: (await buy(client)).orderId, reason }))).toBe("STATE_CONFLICT");
    await panel.fixtures.credit(client.clientId, 1n, 0n);
    await refundOrder(panel.ctx(admin), { id: used.orderId, reason });
    await refundOrder(panel.ctx(admin), { id: used.orderId, reason });
    const { items } = await listOrders(panel.ctx(client), {});
    expect(items.at(-1)).toMatchObject({ id: used.orderId, status: "refunded" });
    const faults = await panel.fixtures.pool.query("select * from reconcile_fault");
    expect(faults.rows).toEqual([]);
  });
});
