import { newId } from "@karvon/domain";
import { hashProxyPassword, verifyProxyPassword } from "@karvon/security";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientActor } from "../actor.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refundOrder } from "../admin/refund-order.ts";
import { refusalOf } from "../test/refusal-of.ts";
import { buyTraffic } from "./buy-traffic.ts";
import { createProxyUser, proxyUsersMax } from "./create-proxy-user.ts";
import { getClientOverview } from "./get-client-overview.ts";
import { listClientSessions } from "./list-client-sessions.ts";
import { listLedger } from "./list-ledger.ts";
import { listOrders } from "./list-orders.ts";
import { listPacks } from "./list-packs.ts";
import { listProxyUsers } from "./list-proxy-users.ts";
import { listAdminRefusals } from "../admin/list-admin-refusals.ts";
import { listRefusals } from "./list-refusals.ts";
import { rotateProxyUserSecret } from "./rotate-proxy-user-secret.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

async function controlEpoch(): Promise<bigint> {
  const row = await panel.database.controlEpoch.findUniqueOrThrow({ where: { id: 1 }, select: { epoch: true } });
  return row.epoch;
}

describe("buying traffic", () => {
  test("posts bytes and money on both sides, marks the payment as a test and tells the gateways", async () => {
    const client = await panel.client();
    const before = await controlEpoch();
    const bought = await buyTraffic(panel.ctx(client), { gigabytes: 5, idempotencyKey: "purchase-1" });
    expect(bought).toMatchObject({ bytes: 5_000_000_000n, amountMicroUsd: 15_000_000n, balanceBytes: 5_000_000_000n, isTest: true });
    expect(await controlEpoch()).toBe(before + 1n);
    const { items } = await listLedger(panel.ctx(client), {});
    expect(items.map(({ kind, asset, amount, balanceAfter }) => ({ kind, asset, amount, balanceAfter }))).toEqual([
      { kind: "top_up", asset: "BYTE", amount: 5_000_000_000n, balanceAfter: 5_000_000_000n },
      { kind: "top_up", asset: "USD6", amount: 15_000_000n, balanceAfter: 15_000_000n },
    ]);
    const orders = await listOrders(panel.ctx(client), {});
    expect(orders.items).toEqual([expect.objectContaining({ id: bought.orderId, status: "paid", provider: "test" })]);
  });

  test("and its refund name the order in the ledger", async () => {
    const client = await panel.client();
    const { orderId } = await buyTraffic(panel.ctx(client), { gigabytes: 1, idempotencyKey: "purchase-named" });
    const admin = await panel.admin();
    await refundOrder(panel.ctx(admin), { id: orderId, reason: "because of a test" });
    const [order] = (await listOrders(panel.ctx(client), {})).items;
    const { items } = await listLedger(panel.ctx(client), {});
    expect(items.map(({ kind, note }) => [kind, note])).toEqual([
      ["refund", `Order ${order?.number}`],
      ["refund", `Order ${order?.number}`],
      ["top_up", `Order ${order?.number}`],
      ["top_up", `Order ${order?.number}`],
    ]);
  });

  test("twice with one key is one order, one payment, one posting and one audit row, even at the same moment", async () => {
    const client = await panel.client();
    const input = { gigabytes: 2, idempotencyKey: newId("ord") };
    const audits = await panel.countAudits();
    const answers = await Promise.all(Array.from({ length: 8 }, () => buyTraffic(panel.ctx(client), input)));
    answers.push(await buyTraffic(panel.ctx(client), input));
    expect(new Set(answers.map((answer) => answer.orderId)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer.balanceBytes))).toEqual(new Set([2_000_000_000n]));
    expect(await panel.database.order.count({ where: { clientId: client.clientId } })).toBe(1);
    expect(await panel.database.payment.count({ where: { order: { clientId: client.clientId } } })).toBe(1);
    expect(await panel.countAudits()).toBe(audits + 1);
  });

  test("with a used key and another amount is a conflict and changes nothing", async () => {
    const client = await panel.client();
    const idempotencyKey = newId("ord");
    await buyTraffic(panel.ctx(client), { gigabytes: 1, idempotencyKey });
    expect(await refusalOf(buyTraffic(panel.ctx(client), { gigabytes: 2, idempotencyKey }))).toBe("IDEMPOTENCY_CONFLICT");
    expect((await getClientOverview(panel.ctx(client))).balanceBytes).toBe(1_000_000_000n);
  });

  test("with a key that another client used is an order of its own", async () => {
    const [first, second] = await Promise.all([panel.client(), panel.client()]);
    const input = { gigabytes: 1, idempotencyKey: newId("ord") };
    const [one, two] = [await buyTraffic(panel.ctx(first), input), await buyTraffic(panel.ctx(second), input)];
    expect(one.orderId).not.toBe(two.orderId);
  });

  test("takes the price that was agreed with this client", async () => {
    const client = await panel.client();
    const priceId = newId("prc");
    await panel.database.price.create({
      data: { id: priceId, name: "Agreed", picoUsdPerByte: 1_000n, operatorPicoUsdPerByte: 600n, isListed: false },
      select: { id: true },
    });
    await panel.database.client.update({ where: { id: client.clientId }, data: { priceId }, select: { id: true } });
    const packs = await listPacks(panel.ctx(client));
    expect(packs[0]).toEqual({ gigabytes: 1, bytes: 1_000_000_000n, amountMicroUsd: 1_000_000n, picoUsdPerByte: 1_000n });
    expect((await buyTraffic(panel.ctx(client), { gigabytes: 1, idempotencyKey: newId("ord") })).amountMicroUsd).toBe(1_000_000n);
    expect((await getClientOverview(panel.ctx(client))).picoUsdPerByte).toBe(1_000n);
  });

  test("leaves nothing behind when its audit row cannot be written", async () => {
    const client = await panel.client();
    await panel.fixtures.pool.query(
      `create function fail_for_test() returns trigger language plpgsql as $$ begin
         if new.actor_id = '${client.userId}' then raise exception 'no audit today'; end if; return new; end $$;
       create trigger aaa_fail_for_test before insert on audit_log for each row execute function fail_for_test()`,
    );
    const before = await controlEpoch();
    await expect(buyTraffic(panel.ctx(client), { gigabytes: 1, idempotencyKey: newId("ord") })).rejects.toThrow("no audit today");
    expect(await panel.database.order.count({ where: { clientId: client.clientId } })).toBe(0);
    expect((await getClientOverview(panel.ctx(client))).balanceBytes).toBe(0n);
    expect(await controlEpoch()).toBe(before);
    await panel.fixtures.pool.query("drop trigger aaa_fail_for_test on audit_log; drop function fail_for_test()");
  });
});

describe("proxy users", () => {
  const storedHash = async (id: string) =>
    (await panel.database.proxyUser.findUniqueOrThrow({ where: { id }, select: { secretHash: true } })).secretHash;

  test("are kept as a keyed hash of a password that is shown once", async () => {
    const client = await panel.client();
    const made = await createProxyUser(panel.ctx(client), { username: "mine1234", label: "Crawler", trafficLimitGb: 3 });
    expect(made).toMatchObject({ username: "mine1234", password: expect.stringMatching(/^pxk[A-Za-z0-9]{24}$/) });
    expect(Buffer.from(await storedHash(made.id))).toEqual(hashProxyPassword(Buffer.alloc(32, 1), made.password));
    expect(await listProxyUsers(panel.ctx(client))).toEqual([
      expect.objectContaining({ id: made.id, label: "Crawler", trafficLimitBytes: 3_000_000_000n, usedBytes: 0n, status: "active" }),
    ]);
    expect(
      JSON.stringify(await listProxyUsers(panel.ctx(client)), (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
    ).not.toContain(made.password);
  });

  test("get a new password that makes the old one useless", async () => {
    const client = await panel.client();
    const made = await createProxyUser(panel.ctx(client), {});
    const rotated = await rotateProxyUserSecret(panel.ctx(client), { id: made.id });
    const pepper = Buffer.alloc(32, 1);
    const stored = await storedHash(made.id);
    expect(verifyProxyPassword(pepper, rotated.password, stored)).toBe(true);
    expect(verifyProxyPassword(pepper, made.password, stored)).toBe(false);
  });

  test("have names that nobody else in the network has", async () => {
    const [first, second] = await Promise.all([panel.client(), panel.client()]);
    await createProxyUser(panel.ctx(first), { username: "taken001" });
    expect(await refusalOf(createProxyUser(panel.ctx(second), { username: "taken001" }))).toBe("USERNAME_TAKEN");
  });

  test(`are ${proxyUsersMax} at most`, async () => {
    const client = await panel.client();
    await panel.database.proxyUser.createMany({
      data: Array.from({ length: proxyUsersMax }, (_, index) => ({
        id: newId("pxu"),
        clientId: client.clientId,
        username: `full${String(index).padStart(4, "0")}`,
        secretHash: new Uint8Array(32),
      })),
    });
    expect(await refusalOf(createProxyUser(panel.ctx(client), {}))).toBe("LIMIT_EXCEEDED");
  });
});

describe("lists", () => {
  interface Traffic {
    readonly host: string;
    readonly openedAt: Date;
    readonly isOpen?: boolean;
    readonly country?: string;
  }

  async function addSessions(client: ClientActor, sessions: readonly Traffic[]): Promise<string[]> {
    const operator = await panel.fixtures.makeOperator();
    const { nodeId } = await panel.fixtures.makeNode(operator.operatorId);
    const { proxyUserId } = await panel.fixtures.makeProxyUser(client.clientId);
    const ids: string[] = [];
    for (const { host, openedAt, isOpen = false, country = "DE" } of sessions) {
      const id = newId("ses", openedAt.getTime());
      ids.push(id);
      await panel.fixtures.pool.query(
        `insert into proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port, exit_country, up_bytes, down_bytes, closed_at)
         values ($1, $2, $3, $4, $5, $6, 'gwy_test', $7, 'socks5', $8, 443, $9, 10, 20, $10)`,
        [
          id,
          openedAt,
          client.clientId,
          proxyUserId,
          operator.operatorId,
          nodeId,
          panel.fixtures.priceId,
          host,
          country,
          isOpen ? null : openedAt,
        ],
      );
    }
    return ids;
  }

  test("of sessions hold the client's own only, newest first, in pages without gaps or repeats", async () => {
    const [client, other] = await Promise.all([panel.client(), panel.client()]);
    const at = new Date();
    // Many in the same millisecond: the order must not depend on time alone.
    const ids = await addSessions(
      client,
      Array.from({ length: 25 }, (_, index) => ({ host: `h${index}.example`, openedAt: new Date(at.getTime() - Math.floor(index / 10)) })),
    );
    await addSessions(other, [{ host: "secret.example", openedAt: at }]);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listClientSessions(panel.ctx(client), { limit: 7, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen)).toEqual(new Set(ids));
  });

  test("of sessions can be narrowed by state, country and words, and the words are literal", async () => {
    const client = await panel.client();
    const openedAt = new Date();
    await addSessions(client, [
      { host: "open.example", openedAt, isOpen: true },
      { host: "a_b.example", openedAt, country: "UZ" },
      { host: "axb.example", openedAt },
    ]);
    const hosts = async (input: Parameters<typeof listClientSessions>[1]) =>
      (await listClientSessions(panel.ctx(client), input)).items.map((item) => item.targetHost).toSorted();
    expect(await hosts({ status: "open" })).toEqual(["open.example"]);
    expect(await hosts({ status: "closed" })).toEqual(["a_b.example", "axb.example"]);
    expect(await hosts({ country: "UZ" })).toEqual(["a_b.example"]);
    expect(await hosts({ search: "a_b" })).toEqual(["a_b.example"]);
    expect(await hosts({ search: "%" })).toEqual([]);
    expect((await getClientOverview(panel.ctx(client))).sessionsOpen).toBe(1);
  });

  test("of ledger lines go through both accounts in pages without gaps or repeats", async () => {
    const client = await panel.client();
    for (let i = 0; i < 6; i += 1) await buyTraffic(panel.ctx(client), { gigabytes: i + 1, idempotencyKey: newId("ord") });
    const lines: { txId: bigint; asset: string; balanceAfter: bigint }[] = [];
    let cursor: string | undefined;
    do {
      const page = await listLedger(panel.ctx(client), { limit: 5, ...(cursor === undefined ? {} : { cursor }) });
      lines.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(lines).toHaveLength(12);
    expect(new Set(lines.map((line) => `${line.txId} ${line.asset}`)).size).toBe(12);
    expect(lines.map((line) => line.txId)).toEqual(lines.map((line) => line.txId).toSorted((a, b) => Number(b - a)));
    expect(lines[0]?.balanceAfter).toBe(21_000_000_000n);
  });

  test("of refusals say what to do about each", async () => {
    const client = await panel.client();
    await panel.fixtures.pool.query(
      `insert into proxy_refusal (id, at, gateway_id, client_id, code, detail, protocol) values ($1, now(), 'gwy_test', $2, 'no_exit', 'no node in ZZ', 'connect')`,
      [newId("ses"), client.clientId],
    );
    const { items } = await listRefusals(panel.ctx(client), {});
    expect(items).toEqual([
      expect.objectContaining({ code: "no_exit", detail: "no node in ZZ", action: "Widen the place or type, or try again later." }),
    ]);
  });

  test("of refusals show an admin those of nobody too, by request id, code and address", async () => {
    const client = await panel.client();
    const [own, nobodys] = [newId("ses"), newId("ses")];
    await panel.fixtures.pool.query(
      `insert into proxy_refusal (id, at, gateway_id, client_id, code, detail, protocol, client_address) values
       ($1, now(), 'gwy_test', $2, 'no_exit', 'no node in ZZ', 'connect', '192.0.2.1'),
       ($3, now(), 'gwy_test', null, 'bad_request', 'the method is no token', 'unknown', '192.0.2.77')`,
      [own, client.clientId, nobodys],
    );
    const ids = async (search: string): Promise<string[]> =>
      (await listAdminRefusals(panel.ctx(await panel.admin()), { search })).items.map(({ id }) => id);
    expect(await ids(own)).toEqual([own]);
    expect(await ids(nobodys)).toEqual([nobodys]);
    expect(await ids("192.0.2.77")).toEqual([nobodys]);
    expect(await ids("bad_request")).toContain(nobodys);
    expect(await ids("")).toEqual(expect.arrayContaining([own, nobodys]));
    expect(await refusalOf(listAdminRefusals(panel.ctx(client), {}))).toBe("ROLE_FORBIDDEN");
  });

  test("refuse a cursor that they did not make", async () => {
    const client = await panel.client();
    for (const cursor of ["x", "1~", "99999999999999999999~a", "'; drop table price; --"]) {
      expect(await refusalOf(listClientSessions(panel.ctx(client), { cursor }))).toBe("INPUT_INVALID");
      expect(await refusalOf(listLedger(panel.ctx(client), { cursor }))).toBe("INPUT_INVALID");
    }
  });
});

describe("the overview", () => {
  test("counts today, the month and each of the last 24 hours apart", async () => {
    const client = await panel.client();
    const operator = await panel.fixtures.makeOperator();
    const { nodeId } = await panel.fixtures.makeNode(operator.operatorId);
    const { proxyUserId } = await panel.fixtures.makeProxyUser(client.clientId);
    const now = panel.ctx(client).now();
    const hour = new Date(Math.floor(now.getTime() / 3_600_000) * 3_600_000);
    const add = (at: Date, up: bigint) =>
      panel.fixtures.pool.query(
        `insert into usage_hour (hour, proxy_user_id, node_id, client_id, operator_id, up_bytes, down_bytes, due_micro_usd) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [at, proxyUserId, nodeId, client.clientId, operator.operatorId, up, up * 2n, up * 3n],
      );
    await add(hour, 9_007_199_254_740_993n); // beyond what a JSON number holds
    await add(new Date(hour.getTime() - 40 * 24 * 3_600_000), 5n);
    const overview = await getClientOverview(panel.ctx(client));
    expect(overview.hours).toHaveLength(24);
    expect(overview.hours.at(-1)).toEqual({
      hour,
      upBytes: 9_007_199_254_740_993n,
      downBytes: 18_014_398_509_481_986n,
      dueMicroUsd: 27_021_597_764_222_979n,
    });
    expect(overview.hours.slice(0, -1).every((one) => one.upBytes === 0n)).toBe(true);
    expect(overview.today).toEqual(overview.month);
    expect(overview.checklist).toEqual({ emailConfirmed: true, hasTraffic: false, hasProxyUser: true, hasFirstRequest: false });
  });

  test("of a client without anything is zeros", async () => {
    const client = await panel.client();
    const overview = await getClientOverview(panel.ctx(client));
    expect(overview).toMatchObject({ balanceBytes: 0n, balanceMicroUsd: 0n, picoUsdPerByte: 3_000n, sessionsOpen: 0, proxyUserCount: 0 });
    expect(overview.hours).toHaveLength(24);
  });
});
