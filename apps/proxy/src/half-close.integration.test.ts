/** Clients that end their side before the answer (RFC 9112, section 9.6): they get it, and one that is gone holds nothing. */
import { until } from "@karvon/testkit";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { basic, dial, dialTls, exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import type { TestNode } from "./test/test-node.ts";
import { startTarget, type RawTarget } from "./test/vanish-world.ts";

let rig: Rig;
let login: Login;
let node: TestNode;
/** Reads everything, and says and ends nothing unless it is told to. */
let target: RawTarget;
beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  node = await rig.addNode();
  target = await startTarget((socket) => void socket.resume());
});
afterEach(async () => {
  for (const socket of target.sockets) socket.destroy();
  await until(() => target.sockets.size === 0);
});
afterAll(async () => {
  await rig.close();
  await target.close();
});

const dials = { TCP: dial, TLS: dialTls };
const auth = (): string => basic(login.username, login.password);
const get = (): string => `GET http://127.0.0.1:${target.port}/ HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`;
const connect = (): string => `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`;

function say(bytes: string): void {
  for (const socket of target.sockets) socket.end(bytes);
}

/** Sends all and ends its side; resolves when the target has the request, and the client its 200 for a tunnel. */
async function sendAndEnd(how: keyof typeof dials, bytes: string): Promise<Socket | TLSSocket> {
  const socket = await dials[how](rig.proxy.proxyPort);
  let received = 0;
  socket.on("data", (chunk: Buffer) => (received += chunk.length));
  socket.end(bytes);
  const isTunnel = bytes.startsWith("CONNECT");
  await until(() => target.sockets.size > 0 && socket.writableFinished && (!isTunnel || received > 0));
  return socket;
}

describe.each(["TCP", "TLS"] as const)("over %s, a client that ends its side before the answer", (how) => {
  test.each([
    ["a plain request", get],
    ["a tunnel", connect],
  ])("still gets it, in %s", async (_what, bytes) => {
    const answer = exchange(rig.proxy.proxyPort, bytes(), { half: true, dial: dials[how] });
    await until(() => target.sockets.size > 0);
    say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate");
    const { status, body } = readAnswer(await answer);
    expect(status).toBe(200);
    expect(body).toMatch(/late$/);
  });

  test.each([
    ["a plain request", get],
    ["a tunnel", connect],
  ])("and then resets holds nothing any more, in %s", async (_what, bytes) => {
    const socket = await sendAndEnd(how, bytes());
    expect(node.tunnel.openStreams).toBe(1);
    if ("encrypted" in socket) Reflect.get(socket, "_parent").resetAndDestroy();
    else socket.resetAndDestroy();
    await until(() => node.tunnel.openStreams === 0, { timeoutMs: 4_000, what: "the end of the session" });
    expect(await rig.metrics()).toMatch(/^karvon_connections_open 0$/m);
  });

  test("and is found gone when the target speaks holds nothing any more", async () => {
    const socket = await sendAndEnd(how, connect());
    socket.destroy();
    for (const one of target.sockets) one.write("nobody reads this");
    await until(() => node.tunnel.openStreams === 0, { timeoutMs: 4_000, what: "the end of the session" });
  });
});
