import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openShop, type Order, type Shop } from "../test/open-shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

const get = (order: Order, name: string, cookie = order.cookie) =>
  fetch(`${shop.web.url}/documents/${order.id}/${name}`, { headers: { cookie } });
const statusOf = async (sent: Promise<Response>) => (await sent).status;

describe("documents", () => {
  test("are the buyer's and the admin's to load, and nobody else's", async () => {
    const order = await shop.order("bank_transfer");
    const operator = await shop.web.signIn((await shop.web.fixtures.makeOperator()).userId);
    const answer = await get(order, "invoice.pdf");
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([
      200,
      "application/pdf",
      "private, no-store",
    ]);
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename="invoice-\d+\.pdf"$/);
    expect(
      Buffer.from(await answer.arrayBuffer())
        .subarray(0, 5)
        .toString(),
    ).toBe("%PDF-");
    expect(await statusOf(get(order, "invoice.pdf", shop.adminCookie))).toBe(200);
    expect(await statusOf(get(order, "invoice.pdf", (await shop.newBuyer()).cookie))).toBe(404);
    expect(await statusOf(get(order, "invoice.pdf", operator.cookie))).toBe(403);
    expect(await statusOf(get(order, "invoice.pdf", ""))).toBe(401);
  });

  test("have a receipt when the order is paid, and not before", async () => {
    const [paid, waiting] = [await shop.order("test"), await shop.order("payme")];
    expect(await statusOf(get(paid, "receipt.pdf"))).toBe(200);
    expect(await statusOf(get(waiting, "receipt.pdf"))).toBe(409);
    expect(await statusOf(get(waiting, "invoice.pdf"))).toBe(200);
  });

  test.each(["", "invoice", "invoice.pdf/x", "secret.pdf", "..%2f.pdf"])("do not exist under %j", async (name) => {
    const order = await shop.order("test");
    expect(await statusOf(get(order, name))).toBe(404);
  });

  test("are made 20 times a minute for one user and then refused", async () => {
    const order = await shop.order("test");
    const statuses = await Promise.all(Array.from({ length: 45 }, () => statusOf(get(order, "receipt.pdf"))));
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(40);
  });
});
