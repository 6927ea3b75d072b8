import { until } from "@karvon/testkit";
import { writeProxyHeaderV1 } from "@karvon/wire";
import { afterEach, describe, expect, test } from "vitest";
import { closeReason, connectHead, startTarget, tunnelTo } from "./test/metered-line.ts";
import { basic, Conversation, dial, exchange, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { connectTarget } from "./test/test-node.ts";

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function open(options: Parameters<typeof openRig>[0] = {}): Promise<{ rig: Rig; login: Login }> {
  const rig = await openRig(options);
  rigs.push(rig);
  await rig.addNode();
  return { rig, login: await rig.makeLogin() };
}

describe("money", () => {
  test("a session is stopped at the last byte of the balance and ended soon after, and new ones are refused", async () => {
    const { rig } = await open();
    const poor = await rig.makeLogin({ bytes: 3_000_000n });
    // 200 KB each 50 ms: 4 MB a second.
    const target = await startTarget((socket) => {
      const timer = setInterval(() => socket.write(Buffer.alloc(200_000)), 50);
      socket.once("close", () => clearInterval(timer));
    });
    const line = await tunnelTo(rig, target.port, poor);
    await until(() => line.socket.destroyed || line.socket.readableEnded, { timeoutMs: 10_000 });
    expect(await closeReason(rig, poor.proxyUserId)).toBe("balance_exhausted");
    expect(line.received()).toBe(3_000_000);
    const { rows } = await rig.fixtures.pool.query<{ posted: bigint }>(
      "SELECT posted FROM ledger_account WHERE owner_id = $1 AND asset = 'BYTE'",
      [poor.clientId],
    );
    const { rows: sessions } = await rig.fixtures.pool.query<{ bytes: bigint }>(
      "SELECT up_bytes + down_bytes AS bytes FROM proxy_session WHERE proxy_user_id = $1",
      [poor.proxyUserId],
    );
    expect({ posted: rows[0]?.posted, carried: sessions[0]?.bytes }).toEqual({ posted: 0n, carried: 3_000_000n });
    const again = readAnswer(await exchange(rig.proxy.proxyPort, connectHead(target.port, poor)));
    expect(again).toMatchObject({ status: 402, headers: { "x-error-code": "balance_exhausted" } });
    target.close();
  });

  test("a proxy user's own limit cuts and refuses with limit_reached; traffic that is bought opens the account again", async () => {
    const { rig } = await open();
    const limited = await rig.makeLogin({ trafficLimitBytes: 1_000_000n });
    const target = await startTarget((socket) => void socket.write(Buffer.alloc(2_000_000)));
    const line = await tunnelTo(rig, target.port, limited);
    await until(() => line.socket.destroyed || line.socket.readableEnded, { timeoutMs: 10_000 });
    expect(await closeReason(rig, limited.proxyUserId)).toBe("limit_reached");
    expect(line.received()).toBe(1_000_000);
    expect(readAnswer(await exchange(rig.proxy.proxyPort, connectHead(target.port, limited))).headers["x-error-code"]).toBe(
      "limit_reached",
    );
    const empty = await rig.makeLogin({ bytes: 0n });
    const ask = async (): Promise<string | undefined> =>
      readAnswer(
        await exchange(
          rig.proxy.proxyPort,
          `GET http://127.0.0.1:${rig.origin.port}/ HTTP/1.0\r\n${basic(empty.username, empty.password)}\r\n`,
        ),
      ).headers["x-error-code"];
    expect(await ask()).toBe("balance_exhausted");
    await rig.fixtures.credit(empty.clientId, 1_000_000n);
    await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [empty.clientId]);
    await until(async () => (await ask()) === undefined);
    target.close();
  });
});

describe("control", () => {
  test("ends one session, then everything of a suspended client, by notice", async () => {
    const { rig, login } = await open();
    const target = await startTarget((socket) => void socket.write("hello"));
    const first = await tunnelTo(rig, target.port, login);
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query<{ id: string }>("SELECT id FROM proxy_session WHERE proxy_user_id = $1", [
      login.proxyUserId,
    ]);
    await rig.fixtures.pool.query("SELECT karvon_notify('session', $1)", [rows[0]?.id]);
    await until(() => first.socket.destroyed);
    expect(await closeReason(rig, login.proxyUserId)).toBe("ended_by_admin");
    const second = await tunnelTo(rig, target.port, login);
    await rig.fixtures.pool.query("UPDATE client SET status = 'suspended' WHERE id = $1", [login.clientId]);
    await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [login.clientId]);
    await until(() => second.socket.destroyed);
    expect(readAnswer(await exchange(rig.proxy.proxyPort, connectHead(target.port, login))).headers["x-error-code"]).toBe(
      "account_suspended",
    );
    target.close();
  });

  test("a block rule refuses its target with everything below it, and its port", async () => {
    const { rig, login } = await open();
    await rig.fixtures.pool.query(
      "INSERT INTO block_rule (id, kind, pattern, reason, created_by) VALUES ('blk_1', 'host', 'blocked.example', 'test', 'test'), ('blk_2', 'port', '8443', 'test', 'test')",
    );
    await rig.fixtures.pool.query("SELECT karvon_notify('block_rule', 'blk_1')");
    const ask = async (authority: string): Promise<string | undefined> =>
      readAnswer(
        await exchange(rig.proxy.proxyPort, `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`),
      ).headers["x-error-code"];
    await until(async () => (await ask("a.blocked.example:443")) === "target_blocked");
    expect(await ask("blocked.example:443")).toBe("target_blocked");
    expect(await ask("unblocked.example.com:8443")).toBe("port_blocked");
  });

  test("a block rule for an address ends a kept connection to a name that led there", async () => {
    const { rig, login } = await open();
    await rig.addNode({
      place: { country: "KZ" },
      onOpen: (stream) => connectTarget(stream, { host: "127.0.0.1", port: rig.origin.port }),
    });
    const auth = basic(`${login.username}-country-kz`, login.password);
    const get = `GET http://site.example/ HTTP/1.1\r\nHost: x\r\n${auth}\r\n`;
    const kept = await Conversation.open(rig.proxy.proxyPort);
    const first = await kept.ask(get);
    expect(first.status).toBe(200);
    expect((await kept.ask(get)).headers["x-px-request-id"]).toBe(first.headers["x-px-request-id"]);
    await rig.fixtures.pool.query(
      "INSERT INTO block_rule (id, kind, pattern, reason, created_by) VALUES ('blk_1', 'cidr', '127.0.0.0/8', 'test', 'test')",
    );
    await rig.fixtures.pool.query("SELECT karvon_notify('block_rule', 'blk_1')");
    await until(async () => (await (await Conversation.open(rig.proxy.proxyPort)).ask(get)).headers["x-error-code"] === "target_blocked");
    expect((await kept.ask(get)).headers["x-error-code"]).toBe("target_blocked");
  });
});

describe("limits", () => {
  test("sessions over the proxy user's ceiling are concurrency_limit, and a closed one makes room", async () => {
    const { rig, login } = await open();
    await rig.fixtures.pool.query("UPDATE proxy_user SET concurrency_max = 2 WHERE id = $1", [login.proxyUserId]);
    const target = await startTarget((socket) => void socket.write("x"));
    const first = await tunnelTo(rig, target.port, login);
    await tunnelTo(rig, target.port, login);
    const ask = async (): Promise<ReturnType<typeof readAnswer>> =>
      readAnswer(await exchange(rig.proxy.proxyPort, connectHead(target.port, login)));
    expect(await ask()).toMatchObject({ status: 429, headers: { "x-error-code": "concurrency_limit", "retry-after": "1" } });
    first.socket.resetAndDestroy();
    await until(async () => /^karvon_sessions_open 1$/m.test(await rig.metrics()));
    await tunnelTo(rig, target.port, login);
    target.close();
  });

  test("connections over the budget are told overloaded, on HTTP and on SOCKS5", async () => {
    const { rig, login } = await open({ load: { connectionsMax: 1 } });
    const held = await tunnelTo(rig, rig.origin.port, login);
    expect(readAnswer(await exchange(rig.proxy.proxyPort, connectHead(rig.origin.port, login)))).toMatchObject({
      status: 503,
      headers: { "x-error-code": "overloaded" },
    });
    expect(await socksConnect(rig.proxy.proxyPort, login, { host: "127.0.0.1", port: rig.origin.port })).toBe("01");
    expect(await socksConnect(rig.proxy.proxyPort, null, { host: "127.0.0.1", port: rig.origin.port })).toBe("01");
    held.socket.destroy();
    await until(
      async () =>
        readAnswer(
          await exchange(
            rig.proxy.proxyPort,
            `GET http://127.0.0.1:${rig.origin.port}/ HTTP/1.0\r\n${basic(login.username, login.password)}\r\n`,
          ),
        ).status === 200,
    );
  });
});

describe("pipes", () => {
  test("keep early data, half-closes and servers that speak first", async () => {
    const { rig, login } = await open();
    const target = await startTarget((socket) => {
      socket.write("first;");
      const got: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => got.push(chunk));
      socket.on("end", () => socket.end(`got ${Buffer.concat(got).toString()}`));
    });
    const answer = await exchange(rig.proxy.proxyPort, `${connectHead(target.port, login)}early`, { half: true });
    expect(readAnswer(answer)).toMatchObject({ status: 200, body: "first;got early" });
    target.close();
  });

  test("two users on one connection are never mixed, and each request goes to its own host", async () => {
    const { rig, login } = await open();
    const other = await rig.makeLogin();
    const one = `127.0.0.1:${rig.origin.port}`;
    const request = (who: Login, path: string, last: boolean): string =>
      `GET http://${one}${path} HTTP/1.1\r\nHost: ${one}\r\n${last ? "Connection: close\r\n" : ""}${basic(who.username, who.password)}\r\n`;
    const answer = (await exchange(rig.proxy.proxyPort, request(login, "/mine", false) + request(other, "/theirs", true))).toString();
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    await rig.proxy.flushNow();
    for (const who of [login, other]) {
      const { rows } = await rig.fixtures.pool.query("SELECT id FROM proxy_session WHERE proxy_user_id = $1", [who.proxyUserId]);
      expect(rows).toHaveLength(1);
      expect(answer).toContain(rows[0].id);
    }
  });

  test("a PROXY header from a trusted address names the client", async () => {
    const { rig, login } = await open();
    const header = writeProxyHeaderV1({
      sourceAddress: "198.51.100.200",
      sourcePort: 5_000,
      destinationAddress: "127.0.0.1",
      destinationPort: 7_000,
    });
    const socket = await dial(rig.proxy.proxyPort);
    socket.write(Buffer.concat([header, Buffer.from(connectHead(rig.origin.port, login))]));
    await new Promise((resolve) => socket.once("data", resolve));
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query("SELECT client_address FROM proxy_session WHERE proxy_user_id = $1", [
      login.proxyUserId,
    ]);
    expect(rows).toEqual([{ client_address: "198.51.100.200" }]);
    socket.destroy();
  });
});

describe("stopping", () => {
  test("lets a session finish, posts its bytes, and marks nodes and gateway as gone", async () => {
    const { rig, login } = await open({ drainMs: 5_000, flushIntervalMs: 10_000 });
    const target = await startTarget((socket) => setTimeout(() => socket.end("late answer"), 500));
    const line = await tunnelTo(rig, target.port, login);
    const started = performance.now();
    const closing = rig.proxy.close();
    await until(() => line.bytes().toString() === "late answer");
    line.socket.end();
    await closing;
    expect(performance.now() - started).toBeLessThan(3_000);
    const { rows } = await rig.fixtures.pool.query("SELECT down_bytes, close_reason FROM proxy_session WHERE proxy_user_id = $1", [
      login.proxyUserId,
    ]);
    expect(rows).toEqual([{ down_bytes: 11n, close_reason: "finished" }]);
    const { rows: presences } = await rig.fixtures.pool.query("SELECT state::text FROM node_presence");
    expect(presences).toEqual([{ state: "offline" }]);
    const { rows: gateways } = await rig.fixtures.pool.query("SELECT stopped_at FROM gateway");
    expect(gateways[0]?.stopped_at).toBeInstanceOf(Date);
    target.close();
  });
});
