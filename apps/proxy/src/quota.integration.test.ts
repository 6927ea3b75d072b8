import { newId } from "@karvon/domain";
import { isFullTier, printFigure, until } from "@karvon/testkit";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type DatabaseRelay, openDatabaseRelay } from "./test/database-relay.ts";
import { closeReason, connectHead, startTarget, tunnelTo } from "./test/metered-line.ts";
import { exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

/** The youngest first: the eldest keeps the database. */
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

/** 4 MB a second for as long as it is read. */
async function startStream(everyMs = 50): Promise<number> {
  const target = await startTarget((socket: Socket) => {
    const timer = setInterval(() => socket.write(Buffer.alloc(200_000)), everyMs);
    socket.once("close", () => clearInterval(timer));
  });
  closers.push(() => target.close());
  return target.port;
}

async function readAccount(rig: Rig, { clientId }: Login): Promise<{ posted: bigint; reserved: bigint }> {
  const { rows } = await rig.fixtures.pool.query<{ posted: bigint; reserved: bigint }>(
    "SELECT posted, reserved FROM ledger_account WHERE kind = 'client_bytes' AND owner_id = $1",
    [clientId],
  );
  if (rows[0] === undefined) throw new Error("the client has no account");
  return rows[0];
}

async function readFaults(rig: Rig): Promise<unknown[]> {
  return (await rig.fixtures.pool.query('SELECT "check", subject, detail FROM reconcile_fault')).rows;
}

describe("quota", () => {
  test("a session ends at its own max to the byte, and what it did not need stays with the account", async () => {
    const rig = await open();
    const login = await rig.makeLogin({ bytes: 10_000_000n });
    const line = await tunnelTo(rig, await startStream(), login, "-max-1");
    expect(await closeReason(rig, login.proxyUserId)).toBe("limit_reached");
    expect(line.received()).toBe(1_000_000);
    await until(async () => (await readAccount(rig, login)).reserved === 0n, { timeoutMs: 15_000 });
    expect(await readAccount(rig, login)).toEqual({ posted: 9_000_000n, reserved: 0n });
    expect(await readFaults(rig)).toEqual([]);
  });

  test("a clock that goes back while the gateway runs leaves what was carried in the run's own grant", async () => {
    const rig = await open({ identity: { id: newId("gwy"), epoch: BigInt(Date.now() + 3_600_000) } });
    const login = await rig.makeLogin({ bytes: 10_000_000n });
    await tunnelTo(rig, await startStream(), login, "-max-1");
    expect(await closeReason(rig, login.proxyUserId)).toBe("limit_reached");
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query("SELECT used FROM quota_grant WHERE proxy_user_id = $1", [login.proxyUserId]);
    expect(rows).toEqual([{ used: 1_000_000n }]);
  });

  test.each([
    ["a balance", { bytes: 6_000_000n }, "balance_exhausted"],
    ["a proxy user's limit", { trafficLimitBytes: 6_000_000n }, "limit_reached"],
  ])("%s is spent once by two gateways, to the byte", async (_what, who, code) => {
    const one = await open();
    const other = await open({ beside: one });
    const login = await one.makeLogin(who);
    const port = await startStream();
    const lines = await Promise.all([one, one, other, other].map((rig) => tunnelTo(rig, port, login)));
    await until(() => lines.every(({ socket }) => socket.destroyed || socket.readableEnded), { timeoutMs: 15_000 });
    expect(lines.reduce((sum, line) => sum + line.received(), 0)).toBe(6_000_000);
    for (const rig of [one, other]) {
      expect(readAnswer(await exchange(rig.proxy.proxyPort, connectHead(port, login))).headers["x-error-code"]).toBe(code);
      await rig.proxy.flushNow();
    }
    expect((await readAccount(one, login)).reserved).toBe(0n);
    expect(await readFaults(one)).toEqual([]);
  });

  test("who has nothing left is asked for when something changes, not by the clock", async () => {
    const rig = await open();
    const login = await rig.makeLogin({ bytes: 2_000_000n });
    const other = await rig.makeLogin({ bytes: 10_000_000n });
    const port = await startStream();
    const turn = async (): Promise<unknown> =>
      (await rig.fixtures.pool.query("SELECT turn FROM quota_grant WHERE proxy_user_id = $1", [login.proxyUserId])).rows;
    await tunnelTo(rig, port, login);
    expect(await closeReason(rig, login.proxyUserId)).toBe("balance_exhausted");
    const turnAtEnd = await turn();
    // Another user's session and, 5 s after it, the return of what it did not need.
    await tunnelTo(rig, port, other, "-max-1");
    expect(await closeReason(rig, other.proxyUserId)).toBe("limit_reached");
    await until(async () => (await readAccount(rig, other)).reserved === 0n, { timeoutMs: 15_000 });
    expect(turnAtEnd).toHaveLength(1);
    expect(await turn()).toEqual(turnAtEnd);
  });

  test("traffic that is bought while a session is stopped lets it go on", async () => {
    const rig = await open();
    const login = await rig.makeLogin({ bytes: 2_000_000n });
    const line = await tunnelTo(rig, await startStream(), login);
    await until(() => line.received() === 2_000_000);
    await rig.fixtures.credit(login.clientId, 50_000_000n);
    await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [login.clientId]);
    await until(() => line.received() > 5_000_000);
    expect(line.socket.destroyed).toBe(false);
  });
});

describe("while PostgreSQL does not answer", () => {
  async function openBehindRelay(): Promise<{ rig: Rig; relay: DatabaseRelay }> {
    let relay: DatabaseRelay | null = null;
    const rig = await openRig({ routeDatabase: async (url) => (relay = await openDatabaseRelay(url)).url });
    if (relay === null) throw new Error("the gateway asked for no database");
    const opened: DatabaseRelay = relay;
    closers.push(() => opened.close());
    closers.push(() => rig.close());
    await rig.addNode();
    return { rig, relay: opened };
  }

  test("four calls at most are under way, whoever has something to give back", async () => {
    const { rig, relay } = await openBehindRelay();
    const target = await startTarget((socket) => socket.write(Buffer.alloc(1_000)));
    closers.push(() => target.close());
    const lines = await Promise.all(Array.from({ length: 12 }, async () => tunnelTo(rig, target.port, await rig.makeLogin())));
    await until(() => lines.every((line) => line.received() === 1_000));
    const calls = await rig.metric("karvon_quota_calls_total");
    relay.freeze();
    for (const { socket } of lines) socket.resetAndDestroy();
    await until(async () => (await rig.metric("karvon_quota_calls_total")) >= calls + 4, { timeoutMs: 15_000 });
    const callsUnderWay = (await rig.metric("karvon_quota_calls_total")) - calls;
    relay.heal();
    expect(callsUnderWay).toBe(4);
    await until(async () => (await rig.metric("karvon_quota_held_bytes")) === 0, { timeoutMs: 15_000 });
  }, 60_000);

  test("M10: bytes stop at the end of the grant and of the interim credit, given once, and all are posted afterwards", async () => {
    const { rig, relay } = await openBehindRelay();
    const balance = 40_000_000;
    const interim = 3_000_000;
    const login = await rig.makeLogin({ bytes: BigInt(balance) });
    await rig.fixtures.pool.query("UPDATE client SET interim_credit_bytes = $2 WHERE id = $1", [login.clientId, interim]);
    const port = await startStream(10);
    const line = await tunnelTo(rig, port, login);
    await until(() => line.received() > 2_000_000);
    relay.freeze();
    const frozenAtMs = performance.now();
    const { rows } = await rig.fixtures.pool.query<{ granted: bigint }>("SELECT granted FROM quota_grant");
    const granted = Number(rows[0]?.granted);
    await until(() => line.socket.destroyed || line.socket.readableEnded, { timeoutMs: 30_000 });
    const refused = readAnswer(await exchange(rig.proxy.proxyPort, connectHead(port, login)));
    await until(() => !isFullTier || performance.now() - frozenAtMs > 300_000, { timeoutMs: 310_000 });
    relay.heal();
    const healedAtMs = performance.now();
    const delivered = line.received();
    await until(async () => (await readAccount(rig, login)).posted === BigInt(balance - delivered), { timeoutMs: 40_000 });
    const secondsToExact = (performance.now() - healedAtMs) / 1_000;
    const credits = rig.logLines.filter((entry) => entry["event"] === "quota.interim-credit").length;
    printFigure("M10", {
      awaySeconds: Math.round((healedAtMs - frozenAtMs) / 1_000),
      grantedBytes: granted,
      interimBytes: interim,
      deliveredBytes: delivered,
      overrunBytes: Math.max(0, delivered - granted - interim),
      interimCredits: credits,
      secondsToExact: Number(secondsToExact.toFixed(1)),
    });
    expect({ credits, overrun: delivered > granted + interim, went: delivered > interim + 2_000_000 }).toEqual({
      credits: 1,
      overrun: false,
      went: true,
    });
    expect(refused).toMatchObject({ status: 503, headers: { "x-error-code": "overloaded" } });
    await until(
      async () => readAnswer(await exchange(rig.proxy.proxyPort, connectHead(rig.origin.port, login), { half: true })).status === 200,
    );
    expect(await readFaults(rig)).toEqual([]);
  }, 400_000);
});
