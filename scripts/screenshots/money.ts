/**
 * Money in every state for the screenshots: orders, payouts, corrections, price versions, rates. Each row is made by the
 * verb that the panels call, as the demo's own people; a second admin is added, because two people move money.
 *
 * It writes once: a platform that has a payout is left as it is. For a data folder that was made for pictures.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createPrisma } from "@karvon/db";
import { parsePrefix } from "@karvon/domain";
import { openPaymentMethods } from "@karvon/payments";
import { findPostgres } from "@karvon/postgres";
import {
  answerClick,
  approveCorrection,
  buyTraffic,
  cancelOrder,
  checkPayout,
  confirmBankTransfer,
  confirmPayouts,
  createAdmin,
  createSystemContext,
  failPayout,
  grantAllowlistBlock,
  proposeCorrection,
  publishPrice,
  refundOrder,
  rejectCorrection,
  requestPayout,
  sendPayouts,
  setExchangeRate,
  type Actor,
  type ServiceContext,
} from "@karvon/services";
import { readPepper } from "@karvon/settings";
import type { Ready } from "./ready.ts";

const dayMs = 86_400_000;
const sessionWithinMs = 30_000;
const reason = "Agreed in ticket 4711";

/** Ways to pay that only make links: nobody is called. */
const payments = openPaymentMethods({
  test: true,
  stripe: null,
  payme: { merchantId: "5e730e8e0b852a417aa49ceb", key: "only-for-pictures", checkoutUrl: "https://checkout.paycom.uz", sources: [] },
  click: { serviceId: "1", merchantId: "2", secretKey: "only-for-pictures", payUrl: "https://my.click.uz/services/pay", sources: [] },
  bankTransfer: { details: ["Karvon Demo LLC"] },
});

/** Addresses in pictures are nobody's (RFC 5737). */
const documentation = { prefixes: [parsePrefix("203.0.113.0/24")].filter((prefix) => prefix !== null), endpoints: [] };

interface People {
  readonly firstAdmin: ServiceContext;
  readonly secondAdmin: ServiceContext;
  readonly client: ServiceContext;
  readonly operator: ServiceContext;
  readonly provider: ServiceContext;
  readonly emails: { readonly client: string; readonly operator: string };
}

export interface PictureDatabase {
  readonly hasMoney: () => Promise<boolean>;
  readonly fill: () => Promise<void>;
  /** Adds a megabyte to a session that is closed, past every trigger; what it answers takes the fault out again. */
  readonly plantFault: () => Promise<() => Promise<void>>;
  /** A run of the reconciliation that came to no result, as it would be written down. */
  readonly addFailedRun: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openPictureDatabase(dataDir: string, ready: Ready): Promise<PictureDatabase> {
  const url = (await findPostgres({ dir: join(dataDir, "postgres"), database: "karvon" }))?.url;
  if (url === undefined) throw new Error(`no database runs in ${dataDir}`);
  const database = createPrisma({ url, poolMax: 2 });
  const network = { proxyHost: "127.0.0.1", proxyPort: 0, tunnelHost: "127.0.0.1", tunnelPort: 0, tunnelSpkiPin: "" };
  const system = {
    ...createSystemContext({ database, pepper: readPepper(dataDir), network, name: "pictures" }),
    payments,
    sourceAllow: documentation,
  };
  const forge = (text: string) =>
    database.$transaction([database.$executeRawUnsafe("SET LOCAL session_replication_role = replica"), database.$executeRawUnsafe(text)]);
  return {
    hasMoney: async () => (await database.payout.count()) > 0,
    fill: async () => {
      const people = await findPeople(system, ready);
      const expired = await placeOrder(people.client, 500, "bank_transfer");
      await forge(
        `UPDATE client_order SET created_at = created_at - interval '400 days', expires_at = expires_at - interval '400 days' WHERE id = '${expired}'`,
      );
      const { username } = ready.proxyUser;
      const { id } = await database.proxyUser.findUniqueOrThrow({ where: { username }, select: { id: true } });
      await fill(people, id);
    },
    plantFault: async () => {
      const id = await closedSession(database);
      const add = (bytes: number) => forge(`UPDATE proxy_session SET down_bytes = down_bytes + ${bytes} WHERE id = '${id}'`);
      await add(1_000_000);
      return async () => void (await add(-1_000_000));
    },
    addFailedRun: async () => {
      await database.$executeRaw`
        insert into reconcile_run (scope, asked_by, milliseconds, failure)
        values ('full', 'system:schedule', 600012, 'canceling statement due to statement timeout')`;
    },
    close: () => database.$disconnect(),
  };
}

/** The first that was closed with bytes; the traffic of the pictures brings one within seconds. */
async function closedSession({ proxySession }: Pick<ServiceContext["database"], "proxySession">): Promise<string> {
  const deadlineMs = Date.now() + sessionWithinMs;
  while (Date.now() < deadlineMs) {
    const where = { closedAt: { not: null }, downBytes: { gt: 0n } };
    const session = await proxySession.findFirst({ where, orderBy: { openedAt: "asc" }, select: { id: true } });
    if (session !== null) return session.id;
    await wait(500);
  }
  throw new Error("no session was closed: nothing to plant a fault in");
}

async function findPeople(system: ServiceContext, ready: Ready): Promise<People> {
  const { client, operator, admin } = ready.logins;
  const second = await createAdmin(system, { email: "second-admin@karvon.local", displayName: "Second admin", isDemo: true });
  const first = await system.database.user.findUniqueOrThrow({ where: { email: admin.email }, select: { id: true } });
  const [buyer, owner] = await Promise.all([
    system.database.client.findFirstOrThrow({ where: { user: { email: client.email } }, select: { id: true, userId: true } }),
    system.database.operator.findFirstOrThrow({ where: { user: { email: operator.email } }, select: { id: true, userId: true } }),
  ]);
  const as = (actor: Actor): ServiceContext => ({ ...system, actor });
  const session = { sessionId: "pictures" };
  return {
    firstAdmin: as({ kind: "admin", userId: first.id, ...session }),
    secondAdmin: as({ kind: "admin", userId: second.id, ...session }),
    client: as({ kind: "client", userId: buyer.userId, clientId: buyer.id, ...session }),
    operator: as({ kind: "operator", userId: owner.userId, operatorId: owner.id, ...session }),
    provider: as({ kind: "system", name: "click" }),
    emails: { client: client.email, operator: operator.email },
  };
}

async function fill(people: People, proxyUserId: string): Promise<void> {
  await setExchangeRate(people.firstAdmin, { currency: "UZS", perUsd: "12650.45", reason });
  await fillPrices(people);
  await fillOrders(people);
  await fillCorrections(people);
  await fillPayouts(people);
  await fillAddresses(people, proxyUserId);
}

async function fillAddresses({ firstAdmin }: People, proxyUserId: string): Promise<void> {
  const parameters = { "203.0.113.16/28": "country-de-session-shop1", "203.0.113.64/30": "", "203.0.113.200/32": "country-us" };
  for (const [block, defaultParameters] of Object.entries(parameters))
    await grantAllowlistBlock(firstAdmin, { proxyUserId, block, defaultParameters, reason });
}

async function fillPrices({ firstAdmin }: People): Promise<void> {
  await publishPrice(firstAdmin, { name: "Autumn 2026", usdPerGb: "3.00", operatorUsdPerGb: "1.80", rates: someRates, tiers: [], reason });
  await publishPrice(firstAdmin, {
    name: "Spring 2027",
    usdPerGb: "2.85",
    operatorUsdPerGb: "1.75",
    rates: someRates.slice(0, 2),
    tiers: [],
    validFrom: new Date(Date.now() + 95 * dayMs).toISOString(),
    reason,
  });
}

const someRates = [
  { country: "DE", connectionType: null, usdPerGb: "2.10" },
  { country: null, connectionType: "mobile" as const, usdPerGb: "1.90" },
  { country: "DE", connectionType: "mobile" as const, usdPerGb: "2.40" },
];

type Provider = "test" | "payme" | "click" | "bank_transfer";

async function placeOrder(client: ServiceContext, gigabytes: number, provider: Provider): Promise<string> {
  return (await buyTraffic(client, { gigabytes, idempotencyKey: `pictures-${provider}-${gigabytes}`, provider })).orderId;
}

/** Paid, refunded, cancelled, waiting, and one whose payment failed; in dollars and in soums. */
async function fillOrders({ client, firstAdmin, provider }: People): Promise<void> {
  const order = (gigabytes: number, by: Provider) => placeOrder(client, gigabytes, by);
  await order(25, "test");
  await refundOrder(firstAdmin, { id: await order(10, "test"), reason });
  await cancelOrder(client, { id: await order(50, "bank_transfer") });
  const transferred = await order(250, "bank_transfer");
  await confirmBankTransfer(firstAdmin, { id: transferred, reference: "FT26331/0047114", amount: "750.00", reason });
  await order(1_000, "bank_transfer");
  await failAtClick(provider, await order(5, "click"));
  await order(100, "payme");
}

async function failAtClick(provider: ServiceContext, orderId: string): Promise<void> {
  const order = await provider.database.order.findUniqueOrThrow({ where: { id: orderId }, select: { chargeMinor: true } });
  const call = { clickTransId: "2147700114", orderId, amountTiyin: order.chargeMinor };
  const { number } = await answerClick(provider, { ...call, action: "prepare", prepareId: null, clickError: 0 });
  await answerClick(provider, { ...call, action: "complete", prepareId: number, clickError: -5017 });
}

async function propose(ctx: ServiceContext, email: string, gigabytes: string, amountUsd: string, why: string): Promise<string> {
  const wish = { email, kind: "correction" as const, gigabytes, amountUsd, reason: why, idempotencyKey: randomUUID() };
  return (await proposeCorrection(ctx, wish)).id;
}

async function fillCorrections({ firstAdmin, secondAdmin, emails }: People): Promise<void> {
  const credit = { kind: "promotion" as const, gigabytes: "2", amountUsd: "", idempotencyKey: "pictures-credit" };
  await proposeCorrection(firstAdmin, { ...credit, email: emails.client, reason: "Welcome credit" });
  const bonus = await propose(firstAdmin, emails.operator, "", "240", "Bonus for the nodes that carried the load test of November");
  await approveCorrection(secondAdmin, { id: bonus });
  await propose(firstAdmin, emails.client, "-0.25", "-0.75", "A session was counted twice by our own test on 21 November");
  const wrong = await propose(firstAdmin, emails.client, "5000", "15000", "Ten times the traffic that was agreed");
  await rejectCorrection(secondAdmin, { id: wrong, reason: "The ticket says 500 GB, not 5,000." });
  await propose(firstAdmin, emails.client, "500", "1500", "Traffic agreed in ticket 4711");
  await propose(secondAdmin, emails.operator, "", "-75.50", "Paid twice in October, by agreement with the operator");
}

async function fillPayouts({ operator, firstAdmin, secondAdmin }: People): Promise<void> {
  const uzbek = { method: "uz_account" as const, destination: "20208000900123456001/00014", holderName: "Karimova Aziza Rustamovna" };
  const iban = { method: "iban" as const, destination: "DE89370400440532013000", holderName: "Aziza Karimova" };
  const ask = async (amountUsd: string, to: typeof uzbek | typeof iban) =>
    (await requestPayout(operator, { amountUsd, ...to, idempotencyKey: `pictures-${amountUsd}` })).id;
  const paid = await ask("42.17", iban);
  await checkPayout(firstAdmin, { id: paid });
  await sendPayouts(secondAdmin, { ids: [paid] });
  await confirmPayouts(secondAdmin, { ids: [paid], reference: "FT26331/0047209" });
  await failPayout(secondAdmin, { id: await ask("10.00", uzbek), reason: "The bank says that the account is closed." });
  const sent = await ask("31.40", uzbek);
  await checkPayout(secondAdmin, { id: sent });
  await sendPayouts(firstAdmin, { ids: [sent] });
  await checkPayout(secondAdmin, { id: await ask("27.00", iban) });
  await checkPayout(firstAdmin, { id: await ask("18.65", uzbek) });
  await ask("12.50", iban);
}
