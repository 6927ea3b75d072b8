import { until } from "@karvon/testkit";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { GatewayTimeouts } from "./gateway/timeouts.ts";
import type { LoadOptions } from "./load/gateway-load.ts";
import { codeOf, connectHead, connectVia, dialFrom, type HeldClient } from "./test/limit-clients.ts";
import { basic, exchange, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { connectTarget } from "./test/test-node.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A gateway with one node, which takes every name for this machine. */
async function open(load: LoadOptions, timeouts: Partial<GatewayTimeouts> = {}): Promise<{ rig: Rig; login: Login }> {
  const rig = await openRig({ load, timeouts });
  closers.push(() => rig.close());
  const named = await startTarget(quiet);
  const namedPorts = new Map([8080, 8443].map((port) => [port, named]));
  await rig.addNode({
    onOpen: (stream, target) => connectTarget(stream, { host: "127.0.0.1", port: namedPorts.get(target.port) ?? target.port }),
  });
  return { rig, login: await rig.makeLogin() };
}

async function startTarget(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Says nothing and ends when it is told to. */
const quiet = (socket: Socket): void => {
  socket.resume();
  socket.once("end", () => socket.end());
};
const allGone = (rig: Rig): Promise<boolean> =>
  until(async () => (await rig.metric("karvon_connections_open")) === 0 && (await rig.metric("karvon_sessions_open")) === 0);

describe("one source", () => {
  test("that holds unproven connections up to its limit is refused one more; others are served, and so is it afterwards", async () => {
    const { rig, login } = await open({ newcomersMax: 3 });
    const target = `127.0.0.1:${await startTarget(quiet)}`;
    const held = await connectVia(rig, target, login, "198.51.100.1");
    const silent = await Promise.all([1, 2, 3].map(() => dialFrom(rig, "198.51.100.1")));
    silent[0]?.write("C");
    await until(async () => (await rig.metric("karvon_connections_open")) === 4);
    // What is proven does not count, what is silent does.
    const over = await connectVia(rig, target, login, "198.51.100.1");
    expect(over.answer).toMatchObject({ status: 503, headers: { "x-error-code": "overloaded", "retry-after": "5" } });
    expect(await codeOf(connectVia(rig, target, login, "198.51.100.2"))).toBe("open");
    for (const socket of silent) socket.destroy();
    await until(async () => (await rig.metric("karvon_connections_open")) === 2);
    expect(await codeOf(connectVia(rig, target, login, "198.51.100.1"))).toBe("open");
    held.socket.destroy();
  });

  test("that makes new connections too fast is rate_limited, unless they show good credentials", async () => {
    const { rig, login } = await open({ newcomersPerSecond: 0.01, newcomersBurst: 3 });
    const target = `127.0.0.1:${await startTarget(quiet)}`;
    for (let round = 0; round < 5; round += 1) expect(await codeOf(connectVia(rig, target, login, "198.51.100.1"))).toBe("open");
    for (let round = 0; round < 3; round += 1) {
      const socket = await dialFrom(rig, "198.51.100.1");
      socket.end("nonsense\r\n\r\n");
      socket.resume();
      await once(socket, "close");
    }
    const over = await connectVia(rig, target, login, "198.51.100.1");
    expect(over.answer).toMatchObject({ status: 429, headers: { "x-error-code": "rate_limited", "retry-after": "5" } });
    expect(await codeOf(connectVia(rig, target, login, "198.51.100.2"))).toBe("open");
  });

  test("holds nine tenths of all connections at most, an IPv6 /64 counting as one, and gets them back when it closes", async () => {
    const { rig, login } = await open({ connectionsMax: 10 });
    const target = `127.0.0.1:${await startTarget(quiet)}`;
    for (let round = 0; round < 2; round += 1) {
      const held: HeldClient[] = [];
      for (let index = 0; index < 9; index += 1) held.push(await connectVia(rig, target, login, `2001:db8::${index}`));
      expect(held.map(({ answer }) => answer.status)).toEqual(held.map(() => 200));
      const over = await connectVia(rig, target, login, "2001:db8::ffff:1");
      expect(over.answer).toMatchObject({ status: 429, headers: { "x-error-code": "concurrency_limit", "retry-after": "1" } });
      const other = await connectVia(rig, target, login, "2001:db8:0:1::1");
      expect(other.answer.status).toBe(200);
      for (const { socket } of [...held, over, other]) socket.destroy();
      await allGone(rig);
    }
  });
});

describe("one target", () => {
  test("gets so many sessions of all clients together; one more is target_throttled on every protocol, other targets are not", async () => {
    const { rig, login } = await open({ targetSessionsMax: 2 });
    const other = await rig.makeLogin();
    const held = [await connectVia(rig, "a.target.example:8080", login), await connectVia(rig, "b.target.example:8443", other)];
    expect(held.map(({ answer }) => answer.status)).toEqual([200, 200]);
    const over = await connectVia(rig, "target.example:8080", login);
    expect(over.answer).toMatchObject({
      status: 429,
      headers: { "x-error-code": "target_throttled", "retry-after": "10", "proxy-status": expect.stringContaining("http_request_denied") },
    });
    const plain = `GET http://c.target.example:8080/ HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`;
    expect(readAnswer(await exchange(rig.proxy.proxyPort, plain)).headers["x-error-code"]).toBe("target_throttled");
    expect(await socksConnect(rig.proxy.proxyPort, login, { host: "d.target.example", port: 8080 })).toBe("02");
    expect(await codeOf(connectVia(rig, "target.example.net:8080", login))).toBe("open");
    held[0]?.socket.destroy();
    await until(async () => (await codeOf(connectVia(rig, "target.example:8080", login))) === "open");
  });

  test("gets so many new sessions a second, which failed ones count for too", async () => {
    const { rig, login } = await open({ targetSessionsPerSecond: 0.01, targetBurst: 2 });
    expect(await codeOf(connectVia(rig, "one.example:8080", login))).toBe("open");
    expect(await codeOf(connectVia(rig, "www.one.example:443", login))).toBe("connect_refused");
    expect(await codeOf(connectVia(rig, "one.example:8080", login))).toBe("target_throttled");
    expect(await codeOf(connectVia(rig, "two.example:8080", login))).toBe("open");
  });

  test("that the operator let in by hand is not counted, and 0 counts nothing", async () => {
    const { rig, login } = await open({ targetSessionsMax: 1 });
    const target = `127.0.0.1:${await startTarget(quiet)}`;
    for (let index = 0; index < 3; index += 1) expect((await connectVia(rig, target, login)).answer.status).toBe(200);
    const without = await open({ targetSessionsMax: 0, targetSessionsPerSecond: 0 });
    for (let index = 0; index < 3; index += 1)
      expect((await connectVia(without.rig, "one.example:8080", without.login)).answer.status).toBe(200);
  });
});

describe("guessing passwords", () => {
  const wrong = { username: "stranger", password: "pxkwrong" };

  test("is answered late once the budget is spent, on HTTP and SOCKS5, and a user who is known from there is not slowed", async () => {
    const { rig, login } = await open({}, { tarpitMinMs: 300, tarpitMaxMs: 400 });
    const target = `127.0.0.1:${await startTarget(quiet)}`;
    expect(await codeOf(connectVia(rig, target, login))).toBe("open");
    const guess = (): Promise<string> => codeOf(connectVia(rig, target, { ...login, ...wrong }));
    for (let index = 0; index < 10; index += 1) expect(await guess()).toBe("auth_failed");
    const startedAtMs = performance.now();
    const slow = Promise.all([guess(), socksConnect(rig.proxy.proxyPort, wrong, { host: "one.example", port: 80 })]);
    await until(async () => (await rig.metric("karvon_tarpit_parked")) === 2);
    expect(await codeOf(connectVia(rig, target, login))).toBe("open");
    expect(await slow).toEqual(["rate_limited", "A"]);
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(299);
    expect(await rig.metric("karvon_tarpit_parked")).toBe(0);
  });

  test("parks 500 connections; one more is closed without an answer, and those whose client leaves make room", async () => {
    const { rig, login } = await open({}, { tarpitMinMs: 60_000, tarpitMaxMs: 60_000 });
    const guess = async (): Promise<Socket> => {
      const socket = await dialFrom(rig);
      socket.write(connectHead("one.example:80", wrong));
      socket.resume();
      return socket;
    };
    for (let index = 0; index < 10; index += 1) await codeOf(connectVia(rig, "one.example:80", { ...login, ...wrong }));
    const parked = await Promise.all(Array.from({ length: 500 }, guess));
    await until(async () => (await rig.metric("karvon_tarpit_parked")) === 500);
    expect(await exchange(rig.proxy.proxyPort, connectHead("one.example:80", wrong))).toHaveLength(0);
    for (const socket of parked) socket.destroy();
    await until(async () => (await rig.metric("karvon_tarpit_parked")) === 0);
    await allGone(rig);
  });
});

describe("tunnels", () => {
  test("over the budget are told overloaded, and may come back when there is room", async () => {
    const { rig } = await open({ tunnelsMax: 2 });
    const second = await rig.addNode();
    expect(second.verdict.type).toBe("ready");
    const third = await rig.addNode();
    expect(third.verdict).toMatchObject({ type: "refused", payload: { code: "overloaded" } });
    expect(await rig.metric("karvon_tunnels_turned_away_total")).toBe(1);
    second.close();
    await until(async () => (await rig.redial(third)).verdict.type === "ready");
  });
});

describe("memory", () => {
  const mb = 1_048_576;
  /** A gateway whose memory is what the test says, in shares of a budget of 100 MB. */
  async function openWithMemory(): Promise<{
    rig: Rig;
    login: Login;
    use: (share: number) => void;
    reach: (level: number) => Promise<unknown>;
  }> {
    let usedBytes = 10 * mb;
    const { rig, login } = await open({ memoryBudgetBytes: 100 * mb, readUsedMemoryBytes: () => usedBytes });
    return {
      rig,
      login,
      use: (share) => void (usedBytes = share * 100 * mb),
      reach: (level) => until(async () => (await rig.metric("karvon_memory_level")) === level),
    };
  }
  const body = Buffer.alloc(8 * mb, "karvon makes no mistakes ");
  const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

  async function stall(rig: Rig, target: string, login: Login): Promise<HeldClient> {
    const client = await connectVia(rig, target, login);
    client.socket.pause();
    client.socket.write("send");
    return client;
  }

  test("that is full refuses new sessions as overloaded; stalled readers keep theirs, get every byte later, and new ones come in again", async () => {
    const { rig, login, use, reach } = await openWithMemory();
    const echo = `127.0.0.1:${await startTarget((socket) => socket.pipe(socket))}`;
    const pour = `127.0.0.1:${await startTarget((socket) => socket.once("data", () => socket.end(body)))}`;
    const small = await connectVia(rig, echo, login);
    use(0.75);
    await reach(1);
    const stalled = await Promise.all(Array.from({ length: 4 }, () => stall(rig, pour, login)));
    use(0.9);
    await reach(2);
    const refused = await connectVia(rig, echo, login);
    expect(refused.answer).toMatchObject({ status: 503, headers: { "x-error-code": "overloaded", "retry-after": "5" } });
    expect(await socksConnect(rig.proxy.proxyPort, login, { host: "127.0.0.1", port: Number(echo.split(":")[1]) })).toBe("01");
    small.socket.write("still here");
    await until(() => small.bytes().toString() === "still here");
    for (const { socket } of stalled) socket.resume();
    await until(() => stalled.every(({ socket }) => socket.readableEnded), { timeoutMs: 20_000 });
    expect(stalled.map((client) => sha256(client.bytes()))).toEqual(stalled.map(() => sha256(body)));
    use(0.3);
    await reach(0);
    expect(await codeOf(connectVia(rig, echo, login))).toBe("open");
    expect(await rig.metric("karvon_sessions_shed_total")).toBe(0);
  });

  test("that is critical ends those that hold the most for readers that do not read, with a reason, and nobody else", async () => {
    const { rig, login, use, reach } = await openWithMemory();
    const echo = `127.0.0.1:${await startTarget((socket) => socket.pipe(socket))}`;
    const pour = `127.0.0.1:${await startTarget((socket) => socket.once("data", () => socket.end(body)))}`;
    const small = await connectVia(rig, echo, login);
    const stalled = await Promise.all(Array.from({ length: 4 }, () => stall(rig, pour, login)));
    await until(async () => (await rig.metric("karvon_held_bytes")) > 4 * 16_384);
    use(2);
    await reach(3);
    await until(async () => (await rig.metric("karvon_sessions_shed_total")) === 4, { timeoutMs: 10_000 });
    for (const { socket } of stalled) socket.write("x");
    await until(() => stalled.every(({ socket }) => socket.errored !== null));
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query("SELECT close_reason FROM proxy_session WHERE closed_at IS NOT NULL");
    expect(rows).toEqual(stalled.map(() => ({ close_reason: "memory_shed" })));
    small.socket.write("still here");
    await until(() => small.bytes().toString() === "still here");
    use(0.1);
    await reach(0);
    const again = await connectVia(rig, echo, login);
    expect(again.answer.status).toBe(200);
    for (const { socket } of [small, again]) socket.end();
    await allGone(rig);
  });
});

describe("a session in which nothing moves", () => {
  test("is ended as idle on both sides, also when one side has ended and the other says nothing", async () => {
    const { rig, login } = await open({}, { sessionIdleMs: 1_000 });
    const ends: string[] = [];
    // Ends its own half at once, or never: what the other half does is the client's business.
    const deaf = await startTarget((socket) => {
      socket.resume();
      socket.on("close", () => ends.push("deaf"));
    });
    const done = await startTarget((socket) => {
      socket.end();
      socket.resume();
      socket.on("close", () => ends.push("done"));
    });
    const halfByClient = await connectVia(rig, `127.0.0.1:${deaf}`, login);
    halfByClient.socket.end();
    const halfByTarget = await connectVia(rig, `127.0.0.1:${done}`, login);
    const whole = await connectVia(rig, `127.0.0.1:${deaf}`, login);
    // A side that has been told the end of the data hears of a reset only when it speaks again; the others hear of it now.
    await until(() => ends.includes("deaf") && ends.includes("done"));
    await until(() => halfByClient.socket.destroyed && whole.socket.destroyed);
    expect(halfByTarget.answer.status).toBe(200);
    await allGone(rig);
  });
});
