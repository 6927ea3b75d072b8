/** Click's SHOP API as docs.click.uz describes it ("Click-API - Request", "Click-API - Error"), over real HTTP and PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fiveGb, openShop, type Order, type Shop } from "../../test/open-shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

const amount = fiveGb.soums;
const messageFor = (order: Order) => ({ clickTransId: shop.click.newId(), orderId: order.id, amount });

/** A payment that Click has prepared, as Complete names it. */
async function prepared(order: Order) {
  const message = messageFor(order);
  const { merchant_prepare_id: number, error } = await shop.click.prepare(message);
  expect(error).toBe(0);
  return { ...message, prepareId: String(number) };
}

describe("the link (page “Redirecting users to the payment page”)", () => {
  test("names service, merchant, order, the amount in soums and the way back", async () => {
    const order = await shop.order("click");
    const url = new URL(order.payUrl ?? "");
    expect(`${url.origin}${url.pathname}`).toBe("https://my.click.uz/services/pay");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      service_id: "12345",
      merchant_id: "54321",
      amount: `${amount}.00`,
      transaction_param: order.id,
      return_url: `${shop.web.url}/client/orders`,
    });
  });
});

describe("Prepare (pages “Click-API - Request”, “Click-API - Error”)", () => {
  test("answers with our number, twice the same", async () => {
    const order = await shop.order("click");
    const message = messageFor(order);
    const [first, second] = [await shop.click.prepare(message), await shop.click.prepare(message)];
    expect(first).toEqual({
      status: 200,
      click_trans_id: Number(message.clickTransId),
      merchant_trans_id: order.id,
      merchant_prepare_id: expect.any(Number),
      error: 0,
      error_note: "Success",
    });
    expect(second).toEqual(first);
  });

  test.each(["189757", "189757.0", "189757.00"])("takes the amount as %s", async (text) => {
    const order = await shop.order("click");
    expect((await shop.click.prepare({ ...messageFor(order), amount: text })).error).toBe(0);
  });

  test.each([
    ["a signature that is not ours", { forged: { sign_string: "0".repeat(32) } }, -1, "SIGN CHECK FAILED!"],
    ["an amount changed after signing", { forged: { amount: "1" } }, -1, "SIGN CHECK FAILED!"],
    ["another amount, rightly signed", { amount: "189756" }, -2, "Incorrect parameter amount"],
    ["an amount that is no number", { amount: "1e9" }, -2, "Incorrect parameter amount"],
    ["a form without its signature", { forged: { sign_string: "" } }, -1, "SIGN CHECK FAILED!"],
    ["an order that there is not", { orderId: "ord_none" }, -5, "User does not exist"],
    ["an error that is no number", { error: "x" }, -8, "Error in request from click"],
    ["a payment that Click has given up", { error: "-5017" }, -9, "Transaction cancelled"],
  ])("answers %s with HTTP 200 and its error", async (_name, changes, error, note) => {
    const order = await shop.order("click");
    const reply = await shop.click.prepare({ ...messageFor(order), ...changes });
    expect({ status: reply.status, error: reply.error, note: reply.error_note }).toEqual({ status: 200, error, note });
    expect(reply.merchant_prepare_id).toBeUndefined();
  });

  test("of an order of another provider, a paid, a cancelled and an expired one is refused", async () => {
    const foreign = await shop.order("payme");
    expect((await shop.click.prepare(messageFor(foreign))).error).toBe(-5);
    const paid = await shop.order("click");
    await shop.click.complete(await prepared(paid));
    expect((await shop.click.prepare(messageFor(paid))).error).toBe(-4);
    const cancelled = await shop.order("click");
    await shop.web.mutate("client.cancelOrder", { cookie: cancelled.cookie, input: { id: cancelled.id } });
    expect((await shop.click.prepare(messageFor(cancelled))).error).toBe(-9);
    const late = await shop.order("click");
    await shop.age(late.id, 25 * 3_600_000);
    expect((await shop.click.prepare(messageFor(late))).error).toBe(-9);
  });

  test("with one id of Click's for two orders is refused for the second", async () => {
    const [first, second] = [await shop.order("click"), await shop.order("click")];
    const { clickTransId } = await prepared(first);
    expect((await shop.click.prepare({ clickTransId, orderId: second.id, amount })).error).toBe(-6);
  });
});

describe("Complete (pages “Click-API - Request”, “Click-API - Error”)", () => {
  test("pays once and answers with our number; repeated it is -4", async () => {
    const order = await shop.order("click");
    const message = await prepared(order);
    expect(await shop.click.complete(message)).toEqual({
      status: 200,
      click_trans_id: Number(message.clickTransId),
      merchant_trans_id: order.id,
      merchant_confirm_id: Number(message.prepareId),
      error: 0,
      error_note: "Success",
    });
    const again = await shop.click.complete(message);
    expect({ error: again.error, note: again.error_note }).toEqual({ error: -4, note: "Already paid" });
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
    expect(await shop.balanceOf(order.clientId)).toBe(5_000_000_000n);
  });

  test("whose answer was lost has paid; sent again it is -4", async () => {
    const order = await shop.order("click");
    const message = await prepared(order);
    await shop.click.completeUnheard(message);
    expect((await shop.click.complete(message)).error).toBe(-4);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
  });

  test("which Click gave up half-way pays nothing", async () => {
    const order = await shop.order("click");
    const message = await prepared(order);
    await shop.click.completeInPart(message);
    expect(await shop.orderState(order.id)).toBe("pending");
    expect((await shop.click.complete(message)).error).toBe(0);
  });

  test("before Prepare, or with another number, is -6", async () => {
    const order = await shop.order("click");
    expect((await shop.click.complete({ ...messageFor(order), prepareId: "1" })).error).toBe(-6);
    const message = await prepared(order);
    expect((await shop.click.complete({ ...message, prepareId: String(Number(message.prepareId) + 1_000_000) })).error).toBe(-6);
    expect((await shop.click.complete({ ...message, prepareId: "" })).error).toBe(-6);
    expect(await shop.orderState(order.id)).toBe("pending");
  });

  test("with another amount is -2, with a wrong signature -1, at the wrong address -3", async () => {
    const order = await shop.order("click");
    const message = await prepared(order);
    expect((await shop.click.complete({ ...message, amount: "1" })).error).toBe(-2);
    expect((await shop.click.complete({ ...message, forged: { merchant_prepare_id: "7" } })).error).toBe(-1);
    expect((await shop.click.prepare({ ...message, action: "1" })).error).toBe(-3);
    expect((await shop.click.complete({ ...message, action: "2" })).error).toBe(-3);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 0, refunded: 0 });
  });

  test("with an error of Click's ends the payment with -9, every time, and the order can be paid again", async () => {
    const order = await shop.order("click");
    const message = { ...(await prepared(order)), error: "-5017" };
    expect((await shop.click.complete(message)).error).toBe(-9);
    expect((await shop.click.complete(message)).error).toBe(-9);
    expect((await shop.click.complete({ ...message, error: "0" })).error).toBe(-9);
    expect((await shop.click.complete(await prepared(order))).error).toBe(0);
  });

  test("of a second payment of a paid order is -4: Click gives that money back", async () => {
    const order = await shop.order("click");
    const [first, second] = [await prepared(order), await prepared(order)];
    expect((await shop.click.complete(first)).error).toBe(0);
    expect((await shop.click.complete(second)).error).toBe(-4);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
    expect(await shop.faults()).toEqual([]);
  });
});
