/** M14: fifty identical messages at the same moment are one ledger transaction; the same key with another amount is refused. */
import { newId } from "@karvon/domain";
import { sessionEvent } from "@karvon/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fiveGb, openShop, type Order, type Provider, type Shop } from "../../test/open-shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

const messages = 50;
const atOnce = <Answer>(send: () => Promise<Answer>): Promise<Answer[]> => Promise.all(Array.from({ length: messages }, send));

async function report(provider: Provider, order: Pick<Order, "id" | "clientId">, isOtherAmountRefused: boolean): Promise<void> {
  const { paid, refunded } = await shop.countPostings(order.id);
  process.stdout.write(
    `${JSON.stringify({ figure: "M14", provider, messages, transactions: paid, otherAmountRefused: isOtherAmountRefused })}\n`,
  );
  expect({ paid, refunded, isOtherAmountRefused }).toEqual({ paid: 1, refunded: 0, isOtherAmountRefused: true });
  expect(await shop.balanceOf(order.clientId)).toBe(5_000_000_000n);
  expect(await shop.faults()).toEqual([]);
}

test("Payme: PerformTransaction", async () => {
  const order = await shop.order("payme");
  const params = { id: shop.payme.newId(), time: Date.now(), amount: fiveGb.tiyin, account: { order_id: order.id } };
  const created = await atOnce(() => shop.payme.call("CreateTransaction", params));
  expect(new Set(created.map(({ result }) => JSON.stringify(result))).size).toBe(1);
  const performed = await atOnce(() => shop.payme.call("PerformTransaction", { id: params.id }));
  expect(new Set(performed.map(({ result }) => JSON.stringify(result))).size).toBe(1);
  expect(performed[0]?.result).toMatchObject({ state: 2 });
  const other = await shop.payme.call("CreateTransaction", { ...params, amount: params.amount + 1 });
  await report("payme", order, other.error?.code === -31_001);
});

test("Click: Complete", async () => {
  const order = await shop.order("click");
  const message = { clickTransId: shop.click.newId(), orderId: order.id, amount: fiveGb.soums };
  const prepared = await atOnce(() => shop.click.prepare(message));
  const numbers = new Set(prepared.map(({ merchant_prepare_id }) => merchant_prepare_id));
  expect(numbers.size).toBe(1);
  const whole = { ...message, prepareId: String([...numbers][0]) };
  const errors = (await atOnce(() => shop.click.complete(whole))).map(({ error }) => error);
  expect(errors.toSorted((a, b) => b - a)).toEqual([0, ...Array.from({ length: messages - 1 }, () => -4)]);
  const other = await shop.click.complete({ ...whole, amount: "1" });
  await report("click", order, other.error === -2);
});

test("Stripe: checkout.session.completed", async () => {
  const order = await shop.order("stripe");
  const session = shop.stripe.sessions.find(({ orderId }) => orderId === order.id);
  if (session === undefined) throw new Error("Stripe was not asked");
  const event = sessionEvent({ type: "checkout.session.completed", session });
  const statuses = (await atOnce(() => shop.stripe.send(event))).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const other = await shop.stripe.send(sessionEvent({ type: "checkout.session.completed", session, amount: session.amount + 1 }));
  await report("stripe", order, other.status === 409);
});

test("a bank transfer: an admin's confirmation", async () => {
  const order = await shop.order("bank_transfer");
  const input = { id: order.id, reference: "FT 2026/11/28-1", amount: "15.00", reason: "seen on the account" };
  const confirm = (changes: object = {}) =>
    shop.web.mutate("admin.confirmBankTransfer", { cookie: shop.adminCookie, input: { ...input, ...changes } });
  const statuses = (await atOnce(confirm)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const other = await confirm({ amount: "16.00" });
  await report("bank_transfer", order, other.appCode === "IDEMPOTENCY_CONFLICT");
});

test("the test provider: a purchase", async () => {
  const buyer = await shop.newBuyer();
  const input = { gigabytes: 5, idempotencyKey: newId("ord"), provider: "test" };
  const buy = (changes: object = {}) => shop.web.mutate("client.buyTraffic", { cookie: buyer.cookie, input: { ...input, ...changes } });
  const ids = new Set((await atOnce(buy)).map(({ data }) => (data as { orderId: string }).orderId));
  expect(ids.size).toBe(1);
  const other = await buy({ gigabytes: 6 });
  await report("test", { ...buyer, id: [...ids][0] ?? "" }, other.appCode === "IDEMPOTENCY_CONFLICT");
});
