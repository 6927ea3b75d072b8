/** A gateway process with a small memory budget, or with a thousand clients that stall: what it holds, as the system counts it. */
import type { Target, TunnelStream } from "@karvon/tunnel";
import { until } from "@karvon/testkit";
import { writeProxyHeaderV1 } from "@karvon/wire";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type GatewayProcess, type GatewayProcesses, openGatewayProcesses } from "./test/gateway-process.ts";
import { connectHead } from "./test/limit-clients.ts";
import { basic, Conversation, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { connectTarget } from "./test/test-node.ts";
import { type RawTarget, startTarget } from "./test/vanish-world.ts";

let processes: GatewayProcesses;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  processes = await openGatewayProcesses();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => processes.close());

const mb = 1_048_576;
type Who = { readonly username: string; readonly password: string };

async function openTarget(onConnection: (socket: Socket) => void): Promise<RawTarget> {
  const target = await startTarget(onConnection);
  closers.push(() => target.close());
  return target;
}

/** The most that the system has counted for it, looked at many times a second. */
function watchRss(gateway: GatewayProcess): { readonly peakMb: () => number } {
  let peakBytes = 0;
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, gateway.rssBytes())), 20);
  closers.push(() => clearInterval(timer));
  return { peakMb: () => peakBytes / mb };
}

describe("uploads that nobody takes", () => {
  const budgetMb = 128;
  const users = 4;
  const sessionsEach = 250;
  /** More at once than the last twentieth of the budget: a look by the clock alone would come too late. */
  const wave = 100;
  /** More than a window, the gateway's own queue and what a paused socket keeps, so that all of them are full. */
  const upload = Buffer.alloc(1_000_000, "x");
  const heldOfWaveMin = wave * 80_000;

  test(`are shed at a budget of ${budgetMb} MB; new sessions are overloaded meanwhile, the others served, and the process stays below it`, async () => {
    const gateway = await processes.start({ KARVON_MEMORY_BUDGET_MB: String(budgetMb) });
    const rss = watchRss(gateway);
    const echo = await openTarget((socket) => socket.pipe(socket));
    // Says that it is connected, and gives no credit back: what is sent waits in the gateway, and not in a kernel.
    const stalled: TunnelStream[] = [];
    const onOpen = (stream: TunnelStream, target: Target): void => {
      if (target.port === echo.port) {
        connectTarget(stream, target);
        return;
      }
      stalled.push(stream);
      stream.opened({ address: "127.0.0.1", family: 4, connectMs: 1 });
    };
    for (let count = 0; count < 4; count += 1) await processes.addNode(gateway, { onOpen });
    const login = await processes.makeLogin();
    const small = await openSession(gateway, echo.port, login);

    const uploads: Conversation[] = [];
    for (let user = 0; user < users; user += 1) {
      const who = await processes.makeLogin();
      for (let count = 0; count < sessionsEach; count += 1) uploads.push(await openSession(gateway, 2, who));
    }
    const waiting = [...uploads];
    const answers: (string | undefined)[] = [];
    const shed = (): Promise<number> => gateway.metric("karvon_sessions_shed_total");
    const isFull = async (): Promise<boolean> => (await gateway.metric("karvon_memory_level")) >= 2;
    while (waiting.length > 0 && (answers.length === 0 || (await shed()) === 0)) {
      const heldBefore = await gateway.metric("karvon_held_bytes");
      for (const { socket } of waiting.splice(0, wave)) socket.write(upload);
      await until(async () => (await shed()) > 0 || (await gateway.metric("karvon_held_bytes")) >= heldBefore + heldOfWaveMin, {
        what: "the wave",
      });
      if (await isFull()) {
        const answer = await codeOf(gateway, echo.port, login);
        // Those that were ended in the meantime may have made room for it.
        if (await isFull()) answers.push(answer);
      }
      small.send("on");
      expect((await small.take(2)).toString()).toBe("on");
    }
    expect(new Set(answers)).toEqual(new Set(["overloaded"]));
    // Those that were ended know it, and nobody else was; most are still there.
    const ended = (): number => uploads.filter(({ socket }) => socket.destroyed).length;
    await until(async () => ended() > 0 && ended() === (await shed()), { what: "the resets" });
    expect(ended()).toBeLessThan(uploads.length - waiting.length);
    expect(rss.peakMb()).toBeLessThan(budgetMb);

    // The readers' end is noticed at once; that a client went away behind bytes that nobody reads is not.
    for (const stream of stalled) stream.reset("targetReset");
    for (const { socket } of uploads) socket.destroy();
    await until(async () => (await gateway.metric("karvon_memory_level")) <= 1, { timeoutMs: 10_000, what: "memory is free again" });
    expect(await codeOf(gateway, echo.port, login)).toBe("open");
    await until(async () => (await rowsShed()) === (await shed()), { timeoutMs: 15_000, what: "the rows" });
    expect(gateway.log()).not.toMatch(/process\.(uncaught|warning)/);
  }, 60_000);
});

describe("a thousand clients that stall", () => {
  const clientsEach = 125;
  /** Ten seconds for a head, or twelve for a body that stops, and two in which the answer may still arrive; four for a busy machine. */
  const freeWithinMs = 18_000;
  const growthMaxMb = 60;

  test("hold no place for longer than their time and next to no memory, and whoever does not stall is served", async () => {
    const gateway = await processes.start();
    await processes.addNode(gateway);
    const login = await processes.makeLogin();
    const target = await openTarget((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"));
    });
    const silent = await openTarget((socket) => void socket.resume());
    const post = (port: number, fields: string): string =>
      `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}${fields}\r\n`;
    const stalls: Readonly<Record<string, Buffer>> = {
      "a chunk of 2^63 - 1": Buffer.from(`${post(silent.port, "Transfer-Encoding: chunked\r\n")}7fffffffffffffff\r\nx`),
      "a length of 2^63": Buffer.from(post(silent.port, "Content-Length: 9223372036854775808\r\n")),
      "the largest chunk there is": Buffer.from(`${post(silent.port, "Transfer-Encoding: chunked\r\n")}ffffffffffff\r\nx`),
      "the largest length there is": Buffer.from(`${post(silent.port, "Content-Length: 9007199254740991\r\n")}x`),
      "half a head": Buffer.from("GET http://shop.example/ HTTP/1.1\r\nHost: sh"),
      "half a SOCKS5 login": Buffer.from([5, 1, 2, 1, 200, 0x61]),
      "half a TLS record": Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc]),
      nothing: Buffer.alloc(0),
    };
    const served = async (): Promise<number> =>
      readAnswer(await exchange(gateway.proxyPort, post(target.port, "Content-Length: 0\r\nConnection: close\r\n"))).status;
    expect(await served()).toBe(200);
    const before = gateway.rssBytes();
    const rss = watchRss(gateway);
    let count = 0;
    for (const bytes of Object.values(stalls)) {
      for (let turn = 0; turn < clientsEach; turn += 1) {
        count += 1;
        // Each from an address of its own: one source would be refused long before.
        const sourceAddress = `198.51.${100 + (count >> 8)}.${count & 255}`;
        const header = writeProxyHeaderV1({ sourceAddress, sourcePort: 4_000, destinationAddress: "127.0.0.1", destinationPort: 7_000 });
        const socket = await dial(gateway.proxyPort);
        closers.push(() => socket.destroy());
        // The client reads what it is told and closes nothing itself.
        socket.resume();
        socket.write(Buffer.concat([header, bytes]));
      }
    }
    const statuses: number[] = [];
    await until(
      async () => {
        statuses.push(await served());
        return (await gateway.metric("karvon_connections_open")) === 0;
      },
      { timeoutMs: freeWithinMs, everyMs: 100, what: "every place is free" },
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(rss.peakMb() - before / mb).toBeLessThan(growthMaxMb);
    expect(await gateway.metric("karvon_sessions_open")).toBe(0);
    expect(gateway.log()).not.toMatch(/process\.(uncaught|warning)/);
  }, 60_000);
});

async function rowsShed(): Promise<number> {
  const { rows } = await processes.fixtures.pool.query(
    "SELECT count(*)::int AS count FROM proxy_session WHERE close_reason = 'memory_shed'",
  );
  return Number(rows[0]?.count);
}

async function openSession(gateway: GatewayProcess, port: number, login: Who): Promise<Conversation> {
  const client = await Conversation.open(gateway.proxyPort);
  closers.push(() => client.socket.destroy());
  const { status, headers } = await client.ask(connectHead(`127.0.0.1:${port}`, login));
  expect([status, headers["x-error-code"]]).toEqual([200, undefined]);
  return client;
}

/** "open", or the code of the refusal. */
async function codeOf(gateway: GatewayProcess, port: number, login: Who): Promise<string> {
  const client = await Conversation.open(gateway.proxyPort);
  const { status, headers } = await client.ask(connectHead(`127.0.0.1:${port}`, login));
  client.socket.destroy();
  return status === 200 ? "open" : (headers["x-error-code"] ?? `status ${status}`);
}
