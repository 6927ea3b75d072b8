/** The panels' server with every way to pay set up against played providers, and a client who buys. Keys are made here. */
import { randomBytes } from "node:crypto";
import { newId } from "@karvon/domain";
import type { PaymentSettings } from "@karvon/payments";
import { playClick, playPayme, playStripe, type PlayedClick, type PlayedPayme, type PlayedStripe } from "@karvon/testkit";
import { openWeb, type TestWeb } from "./open-web.ts";

/** 12,650.45 soum for one USD. */
export const rate = "12650.45";
/** 5 GB at 3 USD: 15 USD, rounded up to whole soums. */
export const fiveGb = { cents: 1_500, tiyin: 18_975_700, soums: "189757" } as const;

export interface Shop {
  readonly web: TestWeb;
  readonly payme: PlayedPayme;
  readonly click: PlayedClick;
  readonly stripe: PlayedStripe;
  readonly adminCookie: string;
  newBuyer(): Promise<Buyer>;
  /** An order of 5 GB by a new buyer. */
  order(provider: Provider): Promise<Order>;
  orderState(orderId: string): Promise<string>;
  /** Ledger transactions of the order: its payment and its refund. */
  countPostings(orderId: string): Promise<{ paid: number; refunded: number }>;
  balanceOf(clientId: string): Promise<bigint>;
  /** What the checks of the reconciliation find wrong. */
  faults(): Promise<unknown[]>;
  /** Moves what was stored about an order's payments into the past, as if nobody had called since. */
  age(orderId: string, ms: number): Promise<void>;
  close(): Promise<void>;
}
export type Provider = "test" | "stripe" | "payme" | "click" | "bank_transfer";

export interface Buyer {
  readonly cookie: string;
  readonly clientId: string;
}
export interface Order extends Buyer {
  readonly id: string;
  readonly payUrl: string | null;
}

export async function openShop(overrides: Partial<PaymentSettings> = {}): Promise<Shop> {
  let url = "";
  const stripe = await playStripe({ webhookUrl: () => `${url}/pay/stripe/webhook` });
  const keys = { payme: randomBytes(18).toString("base64url"), click: randomBytes(12).toString("base64url") };
  const web = await openWeb({
    test: true,
    stripe: { secretKey: stripe.secretKey, webhookSecret: stripe.webhookSecret, apiUrl: stripe.apiUrl },
    payme: { merchantId: "587f72c72cac0d162c722ae2", key: keys.payme, checkoutUrl: "https://test.paycom.uz", sources: [] },
    click: { serviceId: "12345", merchantId: "54321", secretKey: keys.click, payUrl: "https://my.click.uz/services/pay", sources: [] },
    bankTransfer: { details: ["Karvon Test LLC", "Account 1"] },
    ...overrides,
  });
  url = web.url;
  const admin = await web.signIn(await web.makeAdmin());
  const input = { currency: "UZS", perUsd: rate, reason: "the rate of the day" };
  const set = await web.mutate("admin.setExchangeRate", { cookie: admin.cookie, input });
  if (set.status !== 200) throw new Error(`no exchange rate: ${set.text}`);
  const query = async <Row extends object>(text: string, values: unknown[]): Promise<Row> =>
    (await web.fixtures.pool.query<Row>(text, values)).rows[0] as Row;
  const newBuyer = async (): Promise<Buyer> => {
    const { userId, clientId } = await web.fixtures.makeClient();
    return { clientId, cookie: (await web.signIn(userId)).cookie };
  };
  return {
    web,
    stripe,
    payme: playPayme({ url: `${url}/pay/payme`, key: keys.payme }),
    click: playClick({ url: `${url}/pay/click`, serviceId: "12345", secretKey: keys.click }),
    adminCookie: admin.cookie,
    newBuyer,
    async order(provider) {
      const buyer = await newBuyer();
      const bought = await web.mutate("client.buyTraffic", {
        cookie: buyer.cookie,
        input: { gigabytes: 5, idempotencyKey: newId("ord"), provider },
      });
      if (bought.status !== 200) throw new Error(`no order: ${bought.text}`);
      const { orderId, payUrl } = bought.data as { orderId: string; payUrl: string | null };
      return { ...buyer, id: orderId, payUrl };
    },
    orderState: async (id) => (await query<{ status: string }>("select status::text from client_order where id = $1", [id])).status,
    countPostings: (id) =>
      query(
        `select count(*) filter (where idempotency_key = 'order:' || $1)::int as paid, count(*) filter (where idempotency_key = 'refund:' || $1)::int as refunded
           from ledger_tx where idempotency_key like '%:' || $1`,
        [id],
      ),
    balanceOf: async (clientId) =>
      (
        await query<{ posted: bigint }>(
          "select coalesce(sum(posted), 0)::bigint as posted from ledger_account where kind = 'client_bytes' and owner_id = $1",
          [clientId],
        )
      ).posted,
    faults: async () => (await web.fixtures.pool.query(`select * from reconcile_fault`)).rows,
    async age(orderId, ms) {
      const client = await web.fixtures.pool.connect();
      try {
        // Only a superuser's session may pass the guards, and only a test wants to.
        await client.query("set session_replication_role = replica");
        await client.query(
          "update payment set created_at = created_at - $2 * interval '1 ms', provider_at = provider_at - $2 * interval '1 ms' where order_id = $1",
          [orderId, ms],
        );
        await client.query("update client_order set expires_at = expires_at - $2 * interval '1 ms' where id = $1", [orderId, ms]);
      } finally {
        client.release(true);
      }
    },
    async close() {
      await web.close();
      await stripe.close();
    },
  };
}
