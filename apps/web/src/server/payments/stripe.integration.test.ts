/** Stripe Checkout against a played Stripe: pages "Fulfill orders", "Verify webhook signatures", "Idempotent requests" of docs.stripe.com. */
import { newId } from "@karvon/domain";
import { type PlayedSession, refundEvent, sessionEvent } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fiveGb, openShop, type Order, type Shop } from "../../test/open-shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

function sessionOf(order: Order): PlayedSession {
  const session = shop.stripe.sessions.find(({ orderId }) => orderId === order.id);
  if (session === undefined) throw new Error("Stripe was not asked");
  return session;
}
const completed = (order: Order, changes: object = {}) =>
  sessionEvent({ type: "checkout.session.completed", session: sessionOf(order), ...changes });
const send = async (event: string, options?: { secret?: string; at?: number }) => (await shop.stripe.send(event, options)).status;

describe("opening a checkout", () => {
  test("asks for the order's cents and hands the buyer Stripe's page", async () => {
    const order = await shop.order("stripe");
    expect(sessionOf(order)).toMatchObject({ amount: fiveGb.cents, status: "open" });
    expect(order.payUrl).toBe(`https://checkout.stripe.com/c/pay/${sessionOf(order).id}`);
  });

  test("whose answer is lost is tried again by the library and stays one session", async () => {
    shop.stripe.failNext("lost answer");
    const order = await shop.order("stripe");
    expect(shop.stripe.sessions.filter(({ orderId }) => orderId === order.id)).toHaveLength(1);
  });

  test("that Stripe refuses says so, and the same purchase can be tried again", async () => {
    const { cookie } = await shop.newBuyer();
    const input = { gigabytes: 5, idempotencyKey: newId("ord"), provider: "stripe" };
    shop.stripe.failNext("refusal");
    const refused = await shop.web.mutate("client.buyTraffic", { cookie, input });
    expect(refused).toMatchObject({ status: 503, appCode: "PROVIDER_UNAVAILABLE" });
    const taken = await shop.web.mutate("client.buyTraffic", { cookie, input });
    expect(taken.data).toMatchObject({ status: "pending", payUrl: expect.stringMatching(/^https:/) });
  });
});

describe("a webhook", () => {
  test("pays the order once, however often it is sent and whether it is heard or not", async () => {
    const order = await shop.order("stripe");
    const event = completed(order);
    await shop.stripe.sendInPart(event);
    expect(await shop.orderState(order.id)).toBe("pending");
    await shop.stripe.sendUnheard(event);
    expect([await send(event), await send(event)]).toEqual([200, 200]);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
    expect(await shop.balanceOf(order.clientId)).toBe(5_000_000_000n);
  });

  test.each([
    ["another secret", { secret: "whsec_other" }],
    ["a signature that is 10 minutes old", { at: Math.floor(Date.now() / 1000) - 600 }],
  ])("with %s is refused and books nothing", async (_name, options) => {
    const order = await shop.order("stripe");
    expect(await send(completed(order), options)).toBe(400);
    expect(await shop.orderState(order.id)).toBe("pending");
  });

  test("with another amount or currency is refused and books nothing", async () => {
    const order = await shop.order("stripe");
    expect(await send(completed(order, { amount: 1 }))).toBe(409);
    expect(await send(completed(order, { currency: "uzs" }))).toBe(409);
    expect(await shop.orderState(order.id)).toBe("pending");
  });

  test("of a second payment of a paid order is written down for an admin and books nothing more", async () => {
    const order = await shop.order("stripe");
    await send(completed(order));
    const other = completed(order).replace(shop.stripe.captureOf(sessionOf(order)), "pi_other");
    expect(await send(other)).toBe(200);
    const { rows } = await shop.web.fixtures.pool.query(
      "select detail from audit_log where action = 'payment.paid_twice' and subject_id = $1",
      [order.id],
    );
    expect(rows).toEqual([{ detail: { provider: "stripe", ref: "pi_other" } }]);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
  });

  test("of a payment that a bank still thinks about books nothing; the next one does", async () => {
    const order = await shop.order("stripe");
    expect(await send(completed(order, { paymentStatus: "unpaid" }))).toBe(200);
    expect(await shop.orderState(order.id)).toBe("pending");
    expect(await send(sessionEvent({ type: "checkout.session.async_payment_succeeded", session: sessionOf(order) }))).toBe(200);
    expect(await shop.orderState(order.id)).toBe("paid");
  });

  test.each(["checkout.session.expired", "checkout.session.async_payment_failed"])("%s ends the order, and says why", async (type) => {
    const order = await shop.order("stripe");
    const event = sessionEvent({ type, session: sessionOf(order) });
    expect([await send(event), await send(event)]).toEqual([200, 200]);
    const { data } = await shop.web.query("client.orders", { cookie: order.cookie, input: {} });
    expect(data).toMatchObject({ items: [{ status: "cancelled", lastFailure: expect.any(String), payUrl: null }] });
  });

  test("that says paid after one that said expired is booked: money is never lost", async () => {
    const order = await shop.order("stripe");
    await send(sessionEvent({ type: "checkout.session.expired", session: sessionOf(order) }));
    expect(await send(completed(order))).toBe(200);
    expect(await send(sessionEvent({ type: "checkout.session.expired", session: sessionOf(order) }))).toBe(200);
    expect(await shop.orderState(order.id)).toBe("paid");
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 0 });
  });

  test("of a refund before its payment is asked for again; afterwards it takes the traffic back once", async () => {
    const order = await shop.order("stripe");
    const refund = refundEvent(shop.stripe.captureOf(sessionOf(order)), fiveGb.cents);
    expect(await send(refund)).toBe(404);
    await send(completed(order));
    expect([await send(refund), await send(refund), await send(completed(order))]).toEqual([200, 200, 200]);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 1 });
    expect(await shop.orderState(order.id)).toBe("refunded");
    expect(await shop.balanceOf(order.clientId)).toBe(0n);
  });

  test("of a refund in part is written down and books nothing", async () => {
    const order = await shop.order("stripe");
    await send(completed(order));
    expect(await send(refundEvent(shop.stripe.captureOf(sessionOf(order)), 1, false))).toBe(200);
    expect(await shop.orderState(order.id)).toBe("paid");
  });

  test("of no interest is taken; one about an order that is not ours, and what is no POST, are not", async () => {
    expect(await send(JSON.stringify({ id: "evt_1", object: "event", type: "customer.created", data: { object: {} } }))).toBe(200);
    const order = await shop.order("stripe");
    expect(await send(sessionEvent({ type: "checkout.session.completed", session: { ...sessionOf(order), orderId: "ord_none" } }))).toBe(
      404,
    );
    expect((await fetch(`${shop.web.url}/pay/stripe/webhook`)).status).toBe(405);
    expect((await fetch(`${shop.web.url}/pay/none`, { method: "POST" })).status).toBe(404);
  });
});

describe("giving up and giving back", () => {
  test("a cancelled order's session is closed at Stripe, and one that is paid there cannot be cancelled", async () => {
    const [given, paid] = [await shop.order("stripe"), await shop.order("stripe")];
    const cancel = (order: Order) => shop.web.mutate("client.cancelOrder", { cookie: order.cookie, input: { id: order.id } });
    expect((await cancel(given)).status).toBe(200);
    expect(sessionOf(given).status).toBe("expired");
    sessionOf(paid).status = "complete";
    expect(await cancel(paid)).toMatchObject({ status: 409, appCode: "STATE_CONFLICT" });
    expect(await shop.orderState(paid.id)).toBe("pending");
  });

  test("an admin's refund sends the money back once, also when Stripe's answer was lost, and Stripe's own word changes nothing more", async () => {
    const order = await shop.order("stripe");
    await send(completed(order));
    const capture = shop.stripe.captureOf(sessionOf(order));
    const input = { id: order.id, reason: "asked by the buyer" };
    shop.stripe.failNext("lost answer");
    expect((await shop.web.mutate("admin.refundOrder", { cookie: shop.adminCookie, input })).status).toBe(200);
    expect((await shop.web.mutate("admin.refundOrder", { cookie: shop.adminCookie, input })).status).toBe(200);
    expect(await send(refundEvent(capture, fiveGb.cents))).toBe(200);
    expect(shop.stripe.refunds.filter((ref) => ref === capture)).toHaveLength(1);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 1 });
    expect(await shop.faults()).toEqual([]);
  });

  test("nothing is sent back when the traffic is used", async () => {
    const order = await shop.order("stripe");
    await send(completed(order));
    await shop.web.fixtures.credit(order.clientId, -1n, 0n);
    const before = shop.stripe.refunds.length;
    const answer = await shop.web.mutate("admin.refundOrder", { cookie: shop.adminCookie, input: { id: order.id, reason: "too late" } });
    expect(answer).toMatchObject({ status: 409, appCode: "STATE_CONFLICT" });
    expect(shop.stripe.refunds).toHaveLength(before);
  });
});

describe("a refund by an admin", () => {
  const refund = (order: Order) =>
    shop.web.mutate("admin.refundOrder", { cookie: shop.adminCookie, input: { id: order.id, reason: "because of a test" } });
  /** A gateway asks for all that the client has; answers what it got. */
  const grab = async ({ clientId }: Order): Promise<bigint> => {
    const { proxyUserId } = await shop.web.fixtures.makeProxyUser(clientId);
    const gatewayId = await shop.web.fixtures.makeGateway();
    const { rows } = await shop.web.fixtures.pool.query<{ granted: bigint }>(
      "SELECT granted FROM quota_take($1, $2, $3, 1, 1, NULL, 5000000000, 5000000000)",
      [clientId, proxyUserId, gatewayId],
    );
    return rows[0]?.granted ?? -1n;
  };
  async function paid(): Promise<Order> {
    const order = await shop.order("stripe");
    await send(completed(order));
    return order;
  }

  test("holds the traffic while the money goes back, so that nobody spends both", async () => {
    const order = await paid();
    let granted = -1n;
    shop.stripe.meanwhile(async () => void (granted = await grab(order)));
    expect((await refund(order)).status).toBe(200);
    expect(granted).toBe(0n);
    expect(await shop.orderState(order.id)).toBe("refunded");
    expect(await shop.balanceOf(order.clientId)).toBe(0n);
    expect(shop.stripe.refunds.filter((ref) => ref === shop.stripe.captureOf(sessionOf(order)))).toHaveLength(1);
    expect(await shop.faults()).toEqual([]);
  });

  test("that Stripe refuses gives the traffic back, and can be tried again", async () => {
    const order = await paid();
    for (let tries = 0; tries < 2; tries += 1) {
      shop.stripe.failNext("refusal");
      expect(await refund(order)).toMatchObject({ status: 503, appCode: "PROVIDER_UNAVAILABLE" });
      expect([await shop.orderState(order.id), await shop.balanceOf(order.clientId)]).toEqual(["paid", 5_000_000_000n]);
    }
    expect((await refund(order)).status).toBe(200);
    expect(await shop.balanceOf(order.clientId)).toBe(0n);
    expect(await shop.faults()).toEqual([]);
  });

  test("whose webhook comes first is booked once", async () => {
    const order = await paid();
    const news = refundEvent(shop.stripe.captureOf(sessionOf(order)), fiveGb.cents);
    shop.stripe.meanwhile(async () => void (await send(news)));
    expect((await refund(order)).status).toBe(200);
    expect(await shop.countPostings(order.id)).toEqual({ paid: 1, refunded: 1 });
    expect(await shop.balanceOf(order.clientId)).toBe(0n);
    expect(await shop.faults()).toEqual([]);
  });

  test("of traffic that a gateway has in hand is refused before any money moves", async () => {
    const order = await paid();
    await grab(order);
    expect(await refund(order)).toMatchObject({ status: 409, appCode: "STATE_CONFLICT" });
    expect(shop.stripe.refunds).not.toContain(shop.stripe.captureOf(sessionOf(order)));
  });
});
