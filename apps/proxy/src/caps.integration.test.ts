import { hashProxyPassword, makeProxyPassword } from "@karvon/security";
import { until } from "@karvon/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { connectHead, startTarget, tunnelTo } from "./test/metered-line.ts";
import { exchange, type HttpAnswer, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, pepper, type Rig } from "./test/rig.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Parameters<typeof openRig>[0] = {}): Promise<Rig> {
  const rig = await openRig(options);
  closers.push(() => rig.close());
  await rig.addNode();
  return rig;
}

/** 8 MB a second for as long as it is read. */
async function startStream(): Promise<number> {
  const target = await startTarget((socket) => {
    const timer = setInterval(() => socket.write(Buffer.alloc(200_000)), 25);
    socket.once("close", () => clearInterval(timer));
  });
  closers.push(() => target.close());
  return target.port;
}

async function secondUser(rig: Rig, { clientId }: Login): Promise<Login> {
  const password = makeProxyPassword();
  const user = await rig.fixtures.makeProxyUser(clientId, { secretHash: hashProxyPassword(pepper, password) });
  return { clientId, ...user, password };
}

async function capTag(rig: Rig, { clientId }: Login, bytes: { total?: number; day?: number }): Promise<void> {
  await rig.fixtures.pool.query(
    `INSERT INTO tag_cap (client_id, tag, total_limit_bytes, day_limit_bytes) VALUES ($1, 'crawl', $2, $3)
     ON CONFLICT (client_id, tag) DO UPDATE SET total_limit_bytes = excluded.total_limit_bytes, day_limit_bytes = excluded.day_limit_bytes`,
    [clientId, bytes.total, bytes.day],
  );
  await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [clientId]);
}

async function ask(rig: Rig, port: number, who: Login, parameters = ""): Promise<HttpAnswer> {
  return readAnswer(await exchange(rig.proxy.proxyPort, connectHead(port, who, parameters)));
}

/** The clock of caps comes to midnight UTC in so many milliseconds. */
async function stopClockBefore(rig: Rig, milliseconds: number): Promise<void> {
  await rig.fixtures.pool.query(
    `DO $$ BEGIN EXECUTE format('CREATE OR REPLACE FUNCTION karvon_cap_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS
       ''SELECT clock_timestamp() + interval ''''%s''''''', timestamptz '2030-01-31 00:00:00+00' - interval '${milliseconds} ms' - clock_timestamp()); END $$`,
  );
}

describe("a tag's cap", () => {
  test("is spent once by two gateways and two proxy users, to the byte, and other tags go on", async () => {
    const one = await open();
    const other = await open({ beside: one });
    const first = await one.makeLogin();
    const second = await secondUser(one, first);
    await capTag(one, first, { day: 6_000_000 });
    const port = await startStream();
    const free = await tunnelTo(one, port, first, "-tag-other");
    const lines = await Promise.all([
      tunnelTo(one, port, first, "-tag-crawl"),
      tunnelTo(one, port, second, "-tag-crawl-max-100"),
      tunnelTo(other, port, first, "-tag-crawl"),
      tunnelTo(other, port, second, "-tag-crawl"),
    ]);
    await until(() => lines.every(({ socket }) => socket.destroyed || socket.readableEnded), { timeoutMs: 15_000 });
    expect(lines.reduce((sum, line) => sum + line.received(), 0)).toBe(6_000_000);
    const had = free.received();
    await until(() => free.received() > had);
    free.socket.destroy();
    for (const rig of [one, other]) {
      const refused = await ask(rig, port, second, "-tag-crawl");
      const midnight = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString();
      expect(refused).toMatchObject({ status: 402, headers: { "x-error-code": "limit_reached", "x-px-opens-at": midnight } });
      expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
      expect(JSON.parse(refused.body)).toMatchObject({
        detail: `what tag crawl may carry in a day is used up; it opens again at ${midnight}`,
        opensAt: midnight,
        retryable: true,
      });
    }
  }, 60_000);

  test("that is set, lowered or taken away holds for sessions that are open", async () => {
    const rig = await open();
    const login = await rig.makeLogin();
    const port = await startStream();
    const line = await tunnelTo(rig, port, login, "-tag-crawl");
    await until(() => line.received() > 1_000_000);
    await capTag(rig, login, { total: 500_000_000 });
    await until(async () => (await rig.fixtures.pool.query("SELECT FROM tag_grant")).rowCount === 1);
    await capTag(rig, login, { total: 1 });
    await until(() => line.socket.destroyed || line.socket.readableEnded, { timeoutMs: 10_000 });
    const { rows } = await rig.fixtures.pool.query<{ used: number }>("SELECT used_bytes::int AS used FROM tag_cap");
    // What it had carried before it came under the cap is not counted.
    expect(rows[0]?.used).toBeLessThan(line.received() - 999_999);
    expect((await ask(rig, port, login, "-tag-crawl")).headers["x-error-code"]).toBe("limit_reached");
    await rig.fixtures.pool.query("DELETE FROM tag_cap");
    await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [login.clientId]);
    const again = await until(() => tunnelTo(rig, port, login, "-tag-crawl").catch(() => null), { timeoutMs: 10_000 });
    await until(() => again.received() > 3_000_000);
  }, 60_000);
});

describe("a proxy user's limit by day", () => {
  test("opens again at midnight UTC, and nobody has to do anything", async () => {
    const rig = await open();
    const login = await rig.makeLogin();
    await rig.fixtures.pool.query("UPDATE proxy_user SET day_limit_bytes = 2000000 WHERE id = $1", [login.proxyUserId]);
    await stopClockBefore(rig, 4_500);
    const port = await startStream();
    const line = await tunnelTo(rig, port, login);
    await until(() => line.socket.destroyed || line.socket.readableEnded, { timeoutMs: 10_000 });
    expect(line.received()).toBe(2_000_000);
    expect(await ask(rig, port, login)).toMatchObject({
      status: 402,
      headers: { "x-error-code": "limit_reached", "x-px-opens-at": "2030-01-31T00:00:00.000Z" },
    });
    const calls = await rig.metric("karvon_quota_calls_total");
    // Nobody asks for a session meanwhile: the gateway asks by itself.
    await until(async () => (await rig.metric("karvon_quota_held_bytes")) > 0, { timeoutMs: 15_000 });
    expect((await rig.metric("karvon_quota_calls_total")) - calls).toBeLessThanOrEqual(2);
    const again = await tunnelTo(rig, port, login);
    await until(() => again.received() === 2_000_000);
  }, 60_000);
});
