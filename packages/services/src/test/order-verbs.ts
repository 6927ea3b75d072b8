import { newId } from "@karvon/domain";
import type { Actor } from "../actor.ts";
import { confirmBankTransfer } from "../admin/confirm-bank-transfer.ts";
import { setExchangeRate } from "../admin/exchange-rates.ts";
import { refundOrder } from "../admin/refund-order.ts";
import { buyTraffic } from "../client/buy-traffic.ts";
import { cancelOrder } from "../client/cancel-order.ts";
import { setWallet } from "../client/set-wallet.ts";
import { topUpWallet } from "../client/top-up-wallet.ts";
import type { TestPanel } from "./open-panel.ts";
import type { WriteVerb } from "./write-verb.ts";

const reason = "because of a test";
const rate = { currency: "UZS", perUsd: "12650.45", reason } as const;

/** Of orders; the panel is there once the tests run. It must offer bank transfer. */
export function orderVerbs(panel: () => TestPanel): WriteVerb[] {
  const orderStatus = async (id: string) =>
    (await panel().database.order.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;
  const orderedBy = async (clientId: string, provider: "test" | "bank_transfer") => {
    const client: Actor = { kind: "client", userId: newId("usr"), sessionId: newId("sis"), clientId };
    return (await buyTraffic(panel().ctx(client), { gigabytes: 5, idempotencyKey: newId("ord"), provider })).orderId;
  };
  return [
    {
      name: "cancelOrder",
      role: "client",
      isTenantBound: true,
      makeSubject: ({ clientId = "" }) => orderedBy(clientId, "bank_transfer"),
      run: (ctx, id) => cancelOrder(ctx, { id }),
      verify: orderStatus,
      expected: "cancelled",
    },
    {
      name: "topUpWallet",
      role: "client",
      isTenantBound: false,
      run: (ctx) => topUpWallet(ctx, { usd: "10", idempotencyKey: newId("ord") }),
    },
    { name: "setWallet", role: "client", isTenantBound: false, run: (ctx) => setWallet(ctx, { isOn: true, capUsd: "50.00" }) },
    {
      name: "confirmBankTransfer",
      role: "admin",
      isTenantBound: false,
      makeSubject: async () => orderedBy((await panel().client()).clientId, "bank_transfer"),
      run: (ctx, id) => confirmBankTransfer(ctx, { id, reference: `FT ${id}`, amount: "15.00", reason }),
      verify: orderStatus,
      expected: "paid",
    },
    {
      name: "refundOrder",
      role: "admin",
      isTenantBound: false,
      makeSubject: async () => orderedBy((await panel().client()).clientId, "test"),
      run: (ctx, id) => refundOrder(ctx, { id, reason }),
      verify: orderStatus,
      expected: "refunded",
    },
    { name: "setExchangeRate", role: "admin", isTenantBound: false, run: (ctx) => setExchangeRate(ctx, rate) },
  ];
}
