import { newId } from "@karvon/domain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientActor } from "../actor.ts";
import { listUsers } from "../admin/list-users.ts";
import { listPrices } from "../admin/list-prices.ts";
import { publishPrice } from "../admin/publish-price.ts";
import { refundOrder } from "../admin/refund-order.ts";
import { buyTraffic } from "../client/buy-traffic.ts";
import { getClientPrice } from "../client/get-price.ts";
import { getOrderDocument } from "../client/get-order-document.ts";
import { getWallet } from "../client/get-wallet.ts";
import { listLedger } from "../client/list-ledger.ts";
import { listOrders } from "../client/list-orders.ts";
import { listPacks } from "../client/list-packs.ts";
import { setWallet } from "../client/set-wallet.ts";
import { topUpWallet } from "../client/top-up-wallet.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

const reason = "because of a test";
const topUp = (client: ClientActor, usd: string, changes: object = {}) =>
  topUpWallet(panel.ctx(client), { usd, idempotencyKey: newId("ord"), ...changes });

/** What a gateway does that asks for a MiB. */
async function takeBytes({ clientId }: ClientActor): Promise<void> {
  const { proxyUserId } = await panel.fixtures.makeProxyUser(clientId);
  const gatewayId = await panel.fixtures.makeGateway();
  await panel.fixtures.pool.query("SELECT quota_take($1, $2, $3, 1, 1, NULL, 1048576)", [clientId, proxyUserId, gatewayId]);
}

async function balancesOf({ clientId }: ClientActor): Promise<Record<string, bigint>> {
  const rows = await panel.database.ledgerAccount.findMany({ where: { ownerId: clientId }, select: { kind: true, posted: true } });
  return Object.fromEntries(rows.map(({ kind, posted }) => [kind, posted]));
}

async function faults(): Promise<unknown[]> {
  return (await panel.fixtures.pool.query(`SELECT "check" FROM reconcile() WHERE bad_count > 0`)).rows;
}

describe("a wallet", () => {
  test("holds what was paid into it, once for each key, and its order says so", async () => {
    const client = await panel.client();
    const idempotencyKey = newId("ord");
    const bought = await topUp(client, "20.50", { idempotencyKey });
    expect(bought).toMatchObject({ product: "wallet", status: "paid", bytes: 0n, amountMicroUsd: 20_500_000n, balanceBytes: 0n });
    expect(await topUp(client, "20.50", { idempotencyKey })).toMatchObject({ orderId: bought.orderId });
    expect(await refusalOf(topUp(client, "20.51", { idempotencyKey }))).toBe("IDEMPOTENCY_CONFLICT");
    expect(await balancesOf(client)).toEqual({ client_wallet: 20_500_000n });
    expect((await listOrders(panel.ctx(client), {})).items).toMatchObject([{ id: bought.orderId, product: "wallet", bytes: 0n }]);
    expect(await getOrderDocument(panel.ctx(client), { id: bought.orderId, kind: "receipt" })).toMatchObject({
      line: "20.50 USD for the wallet",
    });
  });

  test("buys for a gateway what it is short of once it is switched on, and the ledger shows each lot", async () => {
    const client = await panel.client();
    await topUp(client, "1");
    await takeBytes(client);
    expect(await balancesOf(client)).toEqual({ client_wallet: 1_000_000n });
    await setWallet(panel.ctx(client), { isOn: true, capUsd: "0.50" });
    expect(await getWallet(panel.ctx(client))).toEqual({
      isOn: true,
      balanceMicroUsd: 1_000_000n,
      capMicroUsd: 500_000n,
      monthMicroUsd: 0n,
      picoUsdPerByte: 3_000n,
      spendableBytes: 166_666_666n,
    });
    await takeBytes(client);
    expect(await getWallet(panel.ctx(client))).toMatchObject({
      balanceMicroUsd: 700_000n,
      monthMicroUsd: 300_000n,
      spendableBytes: 66_666_666n,
    });
    const { items } = await listLedger(panel.ctx(client), {});
    expect(items.map(({ kind, account, amount }) => [kind, account, amount])).toEqual([
      ["wallet_lot", "traffic", 100_000_000n],
      ["wallet_lot", "worth", 300_000n],
      ["wallet_lot", "wallet", -300_000n],
      ["top_up", "wallet", 1_000_000n],
    ]);
    const first = await listLedger(panel.ctx(client), { limit: 2 });
    const second = await listLedger(panel.ctx(client), { limit: 2, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...second.items]).toEqual(items);
    const admin = panel.ctx(await panel.admin());
    expect((await listUsers(admin, { search: client.email })).items).toMatchObject([{ wallet: { isOn: true, balanceMicroUsd: 700_000n } }]);
    expect(await faults()).toEqual([]);
  });

  test("is refunded while the money is there, and not when it is spent", async () => {
    const [client, admin] = [await panel.client(), panel.ctx(await panel.admin())];
    const [first, second] = [await topUp(client, "1"), await topUp(client, "2")];
    await setWallet(panel.ctx(client), { isOn: true, capUsd: null });
    await takeBytes(client);
    await refundOrder(admin, { id: second.orderId, reason });
    expect(await balancesOf(client)).toMatchObject({ client_wallet: 700_000n });
    expect(await refusalOf(refundOrder(admin, { id: first.orderId, reason }))).toBe("STATE_CONFLICT");
    expect(await faults()).toEqual([]);
  });
});

test("a pack costs the tier that is reached with it; its worth is the version's price, and a refund gives back what was paid", async () => {
  const [client, admin] = [await panel.client(), panel.ctx(await panel.admin())];
  const tiers = [
    { fromGb: 100, usdPerGb: "2" },
    { fromGb: 10, usdPerGb: "2.5" },
  ];
  const version = { name: "Tiered", usdPerGb: "3", operatorUsdPerGb: "1.8", rates: [], reason };
  const dear = [{ fromGb: 10, usdPerGb: "3" }];
  expect(await refusalOf(publishPrice(admin, { ...version, tiers: dear }))).toBe("INPUT_INVALID");
  expect(await refusalOf(publishPrice(admin, { ...version, tiers: [{ fromGb: 10, usdPerGb: "1.7" }] }))).toBe("INPUT_INVALID");
  const { id } = await publishPrice(admin, { ...version, tiers });
  const shown = [
    { fromGb: 10, picoUsdPerByte: 2_500n },
    { fromGb: 100, picoUsdPerByte: 2_000n },
  ];
  expect((await listPrices(admin, {})).items.find((price) => price.id === id)).toMatchObject({ tiers: shown });

  const ctx = panel.ctx(client);
  const buy = (gigabytes: number) => buyTraffic(ctx, { gigabytes, idempotencyKey: newId("ord") });
  expect((await listPacks(ctx)).map(({ gigabytes, picoUsdPerByte }) => [gigabytes, picoUsdPerByte]).slice(0, 5)).toEqual([
    [1, 3_000n],
    [5, 3_000n],
    [10, 2_500n],
    [50, 2_500n],
    [100, 2_000n],
  ]);
  expect(await buy(5)).toMatchObject({ amountMicroUsd: 15_000_000n });
  const reached = await buy(5);
  expect(reached).toMatchObject({ amountMicroUsd: 12_500_000n });
  expect(await getClientPrice(ctx)).toEqual({ picoUsdPerByte: 3_000n, tiers: shown, monthBytes: 10_000_000_000n });
  expect(await balancesOf(client)).toEqual({ client_bytes: 10_000_000_000n, client_usd: 30_000_000n });

  await refundOrder(admin, { id: reached.orderId, reason });
  expect(await balancesOf(client)).toEqual({ client_bytes: 5_000_000_000n, client_usd: 15_000_000n });
  expect(await getClientPrice(ctx)).toMatchObject({ monthBytes: 5_000_000_000n });
  expect(await faults()).toEqual([]);
});
