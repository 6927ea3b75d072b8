import { until } from "@karvon/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { basic, dial } from "./test/raw-client.ts";
import { rawPeers } from "./test/raw-peers.ts";
import { openRig, type Rig } from "./test/rig.ts";
import type { TestNode } from "./test/test-node.ts";
import { type TimerWatch, watchTimers } from "./test/watch-timers.ts";

/** Short enough to wait for, long enough for what is in time to be in time. */
const timeouts = { headMs: 600, keepAliveMs: 2_000, uploadIdleMs: 500, responseMs: 800, answerIdleMs: 800, restMs: 300 };
let rig: Rig;
let node: TestNode;
let auth = "";
const { startOrigin, open, close } = rawPeers(() => rig.proxy.proxyPort);
const timersMade: TimerWatch[] = [];

beforeAll(async () => {
  rig = await openRig({ timeouts });
  const login = await rig.makeLogin({ bytes: 1_000_000_000_000n });
  auth = basic(login.username, login.password);
  node = await rig.addNode();
});
afterEach(async () => {
  await close();
  for (const timers of timersMade.splice(0)) timers.stop();
});
afterAll(() => rig.close());

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const head = (port: number, method = "GET", fields = ""): string =>
  `${method} http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${auth}${fields}\r\n`;

async function nothingIsLeft(): Promise<void> {
  await until(async () => (await rig.metric("karvon_sessions_open")) === 0 && node.tunnel.openStreams === 0, {
    what: "no session is left",
  });
  await until(async () => (await rig.metric("karvon_connections_open")) === 0, { what: "no connection is left" });
}

describe("who is silent is closed", () => {
  test("a head that comes byte by byte has its time as a whole", async () => {
    const client = await open();
    const startedAtMs = performance.now();
    client.send("GET http://example.com/ HT");
    const drip = setInterval(() => client.send("X"), 50);
    const answer = await client.answer();
    clearInterval(drip);
    expect([answer.status, answer.body.includes("did not come within 0.6 s")]).toEqual([400, true]);
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  });

  test("a body that stops is refused, and the target's connection ends", async () => {
    const origin = await startOrigin(() => undefined);
    const client = await open();
    client.send(`${head(origin.port, "POST", "Content-Length: 100\r\n")}half`);
    const answer = await client.answer();
    expect([answer.status, answer.body.includes("body stopped")]).toEqual([400, true]);
    await until(() => origin.connections[0]?.isClosed);
  });

  test("a body that goes on slowly is carried, however long it takes", async () => {
    const origin = await startOrigin(({ socket, received }) => {
      if (received.endsWith("0123456789")) socket.write(ok);
    });
    const client = await open();
    client.send(head(origin.port, "POST", "Content-Length: 10\r\n"));
    for (const digit of "0123456789") {
      await until(() => (origin.connections[0]?.received ?? "").endsWith(digit === "0" ? "\r\n\r\n" : String(Number(digit) - 1)));
      // The slowness of this client is what is tested.
      await new Promise((resolve) => setTimeout(resolve, 80));
      client.send(digit);
    }
    expect((await client.answer()).status).toBe(200);
  });

  test.each([
    ["says nothing", ""],
    ["stops in its head", "HTTP/1.1 200 OK\r\nX: "],
    ["sends interim answers only", "HTTP/1.1 103 Early Hints\r\n\r\n"],
  ])("a target that %s is response_timeout", async (_what, bytes) => {
    const origin = await startOrigin(({ socket }) => void (bytes !== "" && socket.write(bytes)));
    const client = await open();
    client.send(head(origin.port));
    let answer = await client.answer();
    if (answer.status === 103) answer = await client.answer();
    expect([answer.status, answer.headers["x-error-code"]]).toEqual([504, "response_timeout"]);
    await until(() => origin.connections[0]?.isClosed);
  });

  test("a client that waits for 100 is not blamed for the target's silence", async () => {
    const origin = await startOrigin(() => undefined);
    const client = await open();
    const answer = await client.ask(head(origin.port, "POST", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
    expect([answer.status, answer.headers["x-error-code"]]).toEqual([504, "response_timeout"]);
  });

  test("a target that stops in its body breaks the client's connection off", async () => {
    const origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
    const client = await open();
    client.send(head(origin.port));
    await until(() => client.socket.destroyed);
    expect([client.hasEnded, client.rest.endsWith("half")]).toEqual([false, true]);
    await until(() => origin.connections[0]?.isClosed);
  });

  test("a session rests for its time, the connection for longer, and then both are gone", async () => {
    const origin = await startOrigin(({ socket }) => void socket.write(ok));
    const client = await open();
    await client.ask(head(origin.port));
    await until(() => origin.connections[0]?.isClosed);
    expect(client.hasEnded).toBe(false);
    expect((await client.ask(head(origin.port))).status).toBe(200);
    await until(() => client.hasEnded);
    expect(client.rest).toBe("");
    client.socket.end();
    await nothingIsLeft();
  });
});

describe("a client that goes away leaves nothing", () => {
  const phases: readonly (readonly [string, string, string])[] = [
    ["in the middle of its head", "GET http://127.0.0.1", ""],
    ["while its session opens", "HEAD", ""],
    ["in the middle of its body", "UPLOAD", ""],
    ["before the answer", "HEAD", " "],
    ["in the middle of the answer's head", "HEAD", "HTTP/1.1 200 OK\r\nX: "],
    ["in the middle of the answer", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"],
    ["in the middle of a chunk", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"],
    ["between two requests", "HEAD", ok],
    ["in a WebSocket", "UPGRADE", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ];
  const bytesFor = (what: string, port: number): string => {
    if (what === "UPLOAD") return `${head(port, "POST", "Content-Length: 100\r\n")}half`;
    if (what === "UPGRADE") return head(port, "GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    return what === "HEAD" ? head(port) : what;
  };

  test.each(phases)("%s", async (_when, what, answer) => {
    await nothingIsLeft();
    const timers = watchTimers();
    timersMade.push(timers);
    const origin = await startOrigin(({ socket }) => void (answer.trim() !== "" && socket.write(answer)));
    for (const isReset of [true, false, true, false]) {
      const socket = await dial(rig.proxy.proxyPort);
      let got = "";
      socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
      const asked = origin.connections.length;
      socket.write(bytesFor(what, origin.port));
      if (what !== "HEAD" || answer !== "") await until(() => what.startsWith("GET") || origin.connections.length > asked);
      if (answer.includes("\r\n\r\n")) await until(() => got.length > 0);
      if (isReset) socket.resetAndDestroy();
      else socket.destroy();
    }
    await nothingIsLeft();
    await until(() => origin.connections.every(({ isClosed }) => isClosed), { what: "the target's connections end" });
    // Soon, and not because its time is over: the shortest of them is 300 ms.
    await until(() => timers.live === 0, { timeoutMs: 100, what: "no timer is left" });
  });

  test("nor does one that never reads: the target waits, nobody else does, and its time runs out", async () => {
    const stuck = await dial(rig.proxy.proxyPort);
    stuck.pause();
    stuck.write(head(rig.origin.port).replace("/ HTTP", "/10mb HTTP"));
    const reading = await open();
    expect((await reading.ask(head(rig.origin.port))).status).toBe(200);
    reading.socket.destroy();
    await nothingIsLeft();
    stuck.destroy();
  });
});

describe("a gateway that stops", () => {
  test("ends connections between two requests at once, and says close to those that are served", async () => {
    const drainMs = 60_000;
    const stopping = await openRig({ drainMs });
    const user = await stopping.makeLogin();
    auth = basic(user.username, user.password);
    await stopping.addNode();
    let finish = (): void => undefined;
    const origin = await startOrigin(({ socket }, text) => {
      if (text.includes("X-Slow")) finish = () => void socket.write(ok);
      else socket.write(ok);
    });
    const [idle, busy] = [await open(stopping.proxy.proxyPort), await open(stopping.proxy.proxyPort)];
    await idle.ask(head(origin.port));
    busy.send(head(origin.port, "GET", "X-Slow: 1\r\n"));
    await until(() => origin.connections.length === 2);
    const startedAtMs = performance.now();
    const closed = stopping.close();
    await until(() => idle.hasEnded);
    expect(idle.rest).toBe("");
    finish();
    expect((await busy.answer()).headers["connection"]).toBe("close");
    await closed;
    // It has not waited for the time that it would give to those that go on.
    expect(performance.now() - startedAtMs).toBeLessThan(drainMs / 2);
  });
});
