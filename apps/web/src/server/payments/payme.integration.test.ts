/**
 * The call sequences of Payme's sandbox, over real HTTP against a real database. Pages of developer.help.paycom.uz are named
 * in each describe.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fiveGb, openShop, type Order, type Shop } from "../../test/open-shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

const timeoutMs = 43_200_000;
const amount = fiveGb.tiyin;
const accountOf = (order: Order) => ({ order_id: order.id });
const call = (method: string, params: object) => shop.payme.call(method, params);

async function created(order: Order): Promise<string> {
  const id = shop.payme.newId();
  const reply = await call("CreateTransaction", { id, time: Date.now(), amount, account: accountOf(order) });
  expect(reply.result).toMatchObject({ state: 1 });
  return id;
}
async function performed(order: Order): Promise<string> {
  const id = await created(order);
  expect((await call("PerformTransaction", { id })).result).toMatchObject({ state: 2 });
  return id;
}

describe("the link (page “Отправка чека по методу GET”)", () => {
  test("names merchant, order, amount in tiyin and the way back, in base64", async () => {
    const order = await shop.order("payme");
    const [, encoded = ""] = /^https:\/\/test\.paycom\.uz\/(.+)$/.exec(order.payUrl ?? "") ?? [];
    expect(Buffer.from(encoded, "base64").toString()).toBe(
      `m=587f72c72cac0d162c722ae2;ac.order_id=${order.id};a=${amount};c=${shop.web.url}/client/orders`,
    );
  });
});

describe("the protocol (pages “Протокол Merchant API”, “Формат запроса”, “Ошибки”)", () => {
  const params = { account: { order_id: "x" }, amount: 1 };

  test.each([
    ["another key", (): object => ({ headers: { authorization: `Basic ${Buffer.from("Paycom:wrong").toString("base64")}` } }), -32_504],
    ["no authorization", (): object => ({ headers: {} }), -32_504],
    ["GET", (): object => ({ method: "GET", body: "" }), -32_300],
    ["PUT", (): object => ({ method: "PUT" }), -32_300],
    ["no JSON", (): object => ({ body: "{" }), -32_700],
    ["a list", (): object => ({ body: "[]" }), -32_700],
    ["no params", (): object => ({ body: JSON.stringify({ id: 7, method: "CheckTransaction" }) }), -32_600],
    ["a missing field", (): object => ({ body: JSON.stringify({ id: 7, method: "PerformTransaction", params: {} }) }), -32_600],
    [
      "an amount that is text",
      (): object => ({ body: JSON.stringify({ method: "CheckPerformTransaction", params: { ...params, amount: "1" } }) }),
      -32_600,
    ],
    ["a method that there is not", (): object => ({ body: JSON.stringify({ method: "toString", params: {} }) }), -32_601],
    ["70 kB", (): object => ({ body: `${" ".repeat(70_000)}{}` }), -32_600],
  ])("%s is answered with HTTP 200 and its error", async (_name, message, code) => {
    const reply = await shop.payme.send(message());
    expect({ status: reply.status, code: reply.error?.code }).toEqual({ status: 200, code });
    expect(reply.error?.message).toEqual({ ru: expect.any(String), uz: expect.any(String), en: expect.any(String) });
  });

  test("the request's id comes back with results and with errors", async () => {
    const order = await shop.order("payme");
    const good = await call("CheckPerformTransaction", { amount, account: accountOf(order) });
    expect(good).toMatchObject({ id: expect.any(Number), result: { allow: true } });
    expect(await shop.payme.call("CheckTransaction", { id: "none" }, { key: "wrong" })).toMatchObject({
      id: expect.any(Number),
      error: { code: -32_504 },
    });
  });

  test("an address outside the configured blocks is refused whatever it knows", async () => {
    const key = "generated-for-this-test";
    const closed = await openShop({ payme: { merchantId: "m", key, checkoutUrl: "https://test.paycom.uz", sources: ["192.0.2.0/24"] } });
    try {
      const reply = await closed.payme.call("CheckTransaction", { id: "a" }, { key });
      expect({ status: reply.status, code: reply.error?.code }).toEqual({ status: 200, code: -32_504 });
    } finally {
      await closed.close();
    }
  });
});

describe("CheckPerformTransaction (pages “CheckPerformTransaction”, “Песочница”)", () => {
  test("allows the order's amount, -31001 for another, -31050 for no order and for one of another provider", async () => {
    const order = await shop.order("payme");
    const foreign = await shop.order("click");
    const check = (orderId: unknown, sum: number) => call("CheckPerformTransaction", { amount: sum, account: { order_id: orderId } });
    expect((await check(order.id, amount)).result).toEqual({ allow: true });
    expect((await check(order.id, amount + 1)).error?.code).toBe(-31_001);
    for (const orderId of ["ord_none", foreign.id, 5, null]) {
      const { error } = await check(orderId, amount);
      expect({ code: error?.code, data: error?.data }).toEqual({ code: -31_050, data: "order_id" });
    }
  });

  test("knows paid and given-up orders in the range of the account's errors", async () => {
    const paid = await shop.order("payme");
    await performed(paid);
    const late = await shop.order("payme");
    await shop.age(late.id, 25 * 3_600_000);
    const cancelled = await shop.order("payme");
    await shop.web.mutate("client.cancelOrder", { cookie: cancelled.cookie, input: { id: cancelled.id } });
    const codes = await Promise.all(
      [paid, late, cancelled].map(
        async (order) => (await call("CheckPerformTransaction", { amount, account: accountOf(order) })).error?.code,
      ),
    );
    expect(codes).toEqual([-31_051, -31_052, -31_052]);
  });
});

describe("CreateTransaction (pages “CreateTransaction”, “Песочница”)", () => {
  test("sent twice answers twice the same, also when the first answer was lost", async () => {
    const order = await shop.order("payme");
    const params = { id: shop.payme.newId(), time: Date.now(), amount, account: accountOf(order) };
    await shop.payme.callUnheard("CreateTransaction", params);
    const [first, second] = [await call("CreateTransaction", params), await call("CreateTransaction", params)];
    expect(first.result).toEqual({ create_time: expect.any(Number), transaction: expect.stringMatching(/^pay_/), state: 1 });
    expect(second.result).toEqual(first.result);
  });

  test("with another amount is -31001, for no order -31050, and for an order that is held -31099", async () => {
    const order = await shop.order("payme");
    const make = (changes: object) =>
      call("CreateTransaction", { id: shop.payme.newId(), time: Date.now(), amount, account: accountOf(order), ...changes });
    expect((await make({ amount: amount - 1 })).error?.code).toBe(-31_001);
    expect((await make({ account: { order_id: "ord_none" } })).error?.code).toBe(-31_050);
    await created(order);
    const { error } = await make({});
    expect({ code: error?.code, data: error?.data }).toEqual({ code: -31_099, data: "order_id" });
  });

  test("which the sender gave up half-way makes nothing", async () => {
    const order = await shop.order("payme");
    const id = shop.payme.newId();
    await shop.payme.callInPart("CreateTransaction", { id, time: Date.now(), amount, account: accountOf(order) });
    expect((await call("CheckTransaction", { id })).error?.code).toBe(-31_003);
  });
});

describe("PerformTransaction (pages “PerformTransaction”, “Песочница”)", () => {
  test("sent twice answers twice the same and pays once", async () => {
    const order = await shop.order("payme");
    const id = await created(order);
    await shop.payme.callUnheard("PerformTransaction", { id });
    const [first, second] = [await call("PerformTransaction", { id }), await call("PerformTransaction", { id })];
    expect(first.result).toEqual({ transaction: expect.stringMatching(/^pay_/), perform_time: expect.any(Number), state: 2 });
    expect(second.result).toEqual(first.result);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
    expect(await shop.balanceOf(order.clientId)).toBe(5_000_000_000n);
  });

  test("of no transaction is -31003; of a cancelled one -31008", async () => {
    expect((await call("PerformTransaction", { id: shop.payme.newId() })).error?.code).toBe(-31_003);
    const order = await shop.order("payme");
    const id = await created(order);
    await call("CancelTransaction", { id, reason: 3 });
    expect((await call("PerformTransaction", { id })).error?.code).toBe(-31_008);
  });

  test(`after ${timeoutMs} ms is -31008, and the transaction is cancelled with reason 4`, async () => {
    const order = await shop.order("payme");
    const id = await created(order);
    await shop.age(order.id, timeoutMs + 1_000);
    expect((await call("PerformTransaction", { id })).error?.code).toBe(-31_008);
    const [first, second] = [await call("CheckTransaction", { id }), await call("CheckTransaction", { id })];
    expect(first.result).toMatchObject({ state: -1, reason: 4, perform_time: 0, cancel_time: expect.any(Number) });
    expect(second.result).toEqual(first.result);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 0, refunded: 0 });
  });

  test("within that time is taken, and a timed-out transaction makes room for another", async () => {
    const order = await shop.order("payme");
    const id = await created(order);
    await shop.age(order.id, timeoutMs + 1_000);
    const next = await created(order);
    expect((await call("CheckTransaction", { id })).result).toMatchObject({ state: -1, reason: 4 });
    await shop.age(order.id, timeoutMs - 60_000);
    expect((await call("PerformTransaction", { id: next })).result).toMatchObject({ state: 2 });
  });
});

describe("CancelTransaction (pages “CancelTransaction”, “Песочница”)", () => {
  test("before it is performed is -1, twice the same, and the order can be paid again", async () => {
    const order = await shop.order("payme");
    const id = await created(order);
    const [first, second] = [await call("CancelTransaction", { id, reason: 3 }), await call("CancelTransaction", { id, reason: 3 })];
    expect(first.result).toEqual({ transaction: expect.stringMatching(/^pay_/), cancel_time: expect.any(Number), state: -1 });
    expect(second.result).toEqual(first.result);
    expect(await shop.orderState(order.id)).toBe("pending");
    await performed(order);
  });

  test("after it was performed is -2, twice the same, and takes the traffic back with new entries", async () => {
    const order = await shop.order("payme");
    const id = await performed(order);
    const [first, second] = [await call("CancelTransaction", { id, reason: 5 }), await call("CancelTransaction", { id, reason: 5 })];
    expect(first.result).toEqual({ transaction: expect.stringMatching(/^pay_/), cancel_time: expect.any(Number), state: -2 });
    expect(second.result).toEqual(first.result);
    const checked = await call("CheckTransaction", { id });
    expect(checked.result).toMatchObject({
      state: -2,
      reason: 5,
      perform_time: expect.any(Number),
      cancel_time: first.result?.["cancel_time"],
    });
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 1 });
    expect(await shop.balanceOf(order.clientId)).toBe(0n);
    expect(await shop.orderState(order.id)).toBe("refunded");
  });

  test("when the traffic is used is -31007 and changes nothing", async () => {
    const order = await shop.order("payme");
    const id = await performed(order);
    await shop.web.fixtures.credit(order.clientId, -1n, 0n);
    expect((await call("CancelTransaction", { id, reason: 5 })).error?.code).toBe(-31_007);
    expect((await call("CheckTransaction", { id })).result).toMatchObject({ state: 2, reason: null, cancel_time: 0 });
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
  });

  test("of no transaction is -31003", async () => {
    expect((await call("CancelTransaction", { id: shop.payme.newId(), reason: 1 })).error?.code).toBe(-31_003);
  });
});

describe("GetStatement (page “GetStatement”)", () => {
  test("lists what was created between two moments by Payme's time, oldest first", async () => {
    const orders = [await shop.order("payme"), await shop.order("payme")];
    const base = Date.now() + 3_600_000;
    const ids = await Promise.all(
      orders.map(async (order, at) => {
        const id = shop.payme.newId();
        await call("CreateTransaction", { id, time: base + 1_000 - at * 500, amount, account: accountOf(order) });
        return id;
      }),
    );
    const reply = await call("GetStatement", { from: base, to: base + 1_000 });
    const transactions = reply.result?.["transactions"] as { id: string }[];
    expect(transactions.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(transactions[0]).toEqual({
      id: ids[1],
      time: base + 500,
      amount,
      account: { order_id: orders[1]?.id },
      create_time: expect.any(Number),
      perform_time: 0,
      cancel_time: 0,
      transaction: expect.stringMatching(/^pay_/),
      state: 1,
      reason: null,
      receivers: null,
    });
    expect((await call("GetStatement", { from: base + 2_000, to: base + 3_000 })).result).toEqual({ transactions: [] });
  });
});

describe("whatever is sent twice, late or without being heard", () => {
  test("an order is paid at most once, a call that succeeded answers the same for ever, and the books agree", async () => {
    const methods = ["CreateTransaction", "PerformTransaction", "CancelTransaction", "CheckTransaction"] as const;
    const step = fc.record({ method: fc.constantFrom(...methods), which: fc.nat(1), isHeard: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
        const order = await shop.order("payme");
        const ids = [shop.payme.newId(), shop.payme.newId()];
        const time = Date.now();
        const answers = new Map<string, unknown>();
        for (const { method, which, isHeard } of steps) {
          const id = ids[which] ?? "";
          const params = { id, time, amount, account: accountOf(order), reason: 5 };
          if (!isHeard) {
            await shop.payme.callUnheard(method, params);
            continue;
          }
          const { result } = await call(method, params);
          if (result === undefined || method === "CheckTransaction") continue;
          const key = `${method} ${id}`;
          expect(result).toEqual(answers.get(key) ?? result);
          answers.set(key, result);
        }
        const { paid, refunded } = await shop.countPostings(order.id);
        const state = await shop.orderState(order.id);
        expect({ paid, refunded }).toEqual({ paid: state === "pending" ? 0 : 1, refunded: state === "refunded" ? 1 : 0 });
        expect(await shop.balanceOf(order.clientId)).toBe(BigInt(paid - refunded) * 5_000_000_000n);
      }),
      { numRuns: 25, seed: 20_261_128 },
    );
    expect(await shop.faults()).toEqual([]);
  });
});
