/** Nodes that break the protocol or flood it: they lose their own tunnel at most, and nobody else notices. */
import { until } from "@karvon/testkit";
import { encodeControl, encodeFrame, encodeOpen, encodeOpened, frameTypes } from "@karvon/wire";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import type { TestNode } from "./test/test-node.ts";
import { type RawTarget, startTarget } from "./test/vanish-world.ts";

let rig: Rig;
let login: Login;
let echo: RawTarget;
/** A session of somebody else through an honest node, open all the time. */
let bystander: Socket;
let bystanderGot: Buffer[] = [];

beforeAll(async () => {
  rig = await openRig({ timeouts: { nodeAnswerMs: 1_000 } });
  login = await rig.makeLogin();
  echo = await startTarget((socket) => socket.pipe(socket));
  await rig.addNode();
  bystander = await dial(rig.proxy.proxyPort);
  bystander.on("data", (chunk: Buffer) => bystanderGot.push(chunk));
  bystander.write(connectHead(echo.port, "-country-uz"));
  await until(() => bystanderGot.length > 0);
});
afterAll(async () => {
  bystander.destroy();
  await rig.close();
  await echo.close();
});

const connectHead = (port: number, suffix: string): string =>
  `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n${basic(`${login.username}${suffix}`, login.password)}\r\n`;

async function expectBystanderServed(): Promise<void> {
  bystanderGot = [];
  const sent = randomBytes(50_000);
  bystander.write(sent);
  await until(() => Buffer.concat(bystanderGot).length >= sent.length);
  expect(Buffer.concat(bystanderGot).equals(sent)).toBe(true);
}

const data = (id: number, bytes: number): Buffer => encodeFrame(frameTypes.data, id, Buffer.alloc(bytes, "d"));
const opened = (id: number): Buffer =>
  encodeFrame(frameTypes.opened, id, encodeOpened({ window: 65_536, connectMs: 1, address: "127.0.0.1" }));
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const window = (id: number, bytes: number): Buffer => encodeFrame(frameTypes.window, id, number(bytes));
const fin = (id: number): Buffer => encodeFrame(frameTypes.fin, id);
const status = (fields: Record<string, unknown>): Buffer => encodeFrame(frameTypes.status, 0, Buffer.from(JSON.stringify(fields)));

interface Crowd {
  readonly node: TestNode;
  /** Of the session that waits for the node. */
  readonly id: number;
  /** The end of that session at its client. */
  readonly client: Promise<Buffer>;
}

/** A node in a country of its own that is asked for a connection and answers only what the test writes. */
async function askBadNode(): Promise<Crowd> {
  const ids: number[] = [];
  const node = await rig.addNode({ place: { country: "KZ" }, onOpen: (stream) => ids.push(stream.id) });
  // A session that is open already ends with a reset.
  const client = exchange(rig.proxy.proxyPort, connectHead(echo.port, "-country-kz")).catch(() => Buffer.alloc(0));
  const id = await until(() => ids[0]);
  return { node, id, client };
}

describe("a node's tunnel ends with its sessions, and nobody else's, when it sends", () => {
  test.each<[string, (id: number) => readonly Buffer[]]>([
    ["a type under 128 that nobody knows", () => [encodeFrame(77, 0)]],
    ["DATA for a stream that was never opened", () => [data(9_001, 10)]],
    ["FIN for a stream that was never opened", () => [fin(9_001)]],
    ["RST for a stream of its own side", () => [encodeFrame(frameTypes.rst, 2, Buffer.from([1]))]],
    ["DATA before OPENED", (id) => [data(id, 10)]],
    ["FIN before OPENED", (id) => [fin(id)]],
    ["WINDOW before OPENED", (id) => [window(id, 10)]],
    ["OPENED twice", (id) => [opened(id), opened(id)]],
    ["DATA after FIN", (id) => [opened(id), fin(id), data(id, 10)]],
    ["FIN twice", (id) => [opened(id), fin(id), fin(id)]],
    ["an empty DATA", (id) => [opened(id), encodeFrame(frameTypes.data, id)]],
    ["DATA that is longer than a record", (id) => [opened(id), data(id, 16_377)]],
    ["a WINDOW of 0", (id) => [opened(id), window(id, 0)]],
    ["a WINDOW of 2^32 - 1", (id) => [opened(id), window(id, 0xffff_ffff)]],
    ["WINDOWs beyond 2^31 together", (id) => [opened(id), window(id, 0x7fff_0000), window(id, 0x7fff_0000)]],
    ["an OPENED with a window beyond 2^31", (id) => [encodeFrame(frameTypes.opened, id, Buffer.from("ffffffff0001047f000001", "hex"))]],
    ["an OPENED with lengths that disagree", (id) => [encodeFrame(frameTypes.opened, id, Buffer.from("000100000001067f000001", "hex"))]],
    ["an OPEN", () => [encodeFrame(frameTypes.open, 9_001, encodeOpen({ window: 65_536, host: "shop.example", port: 80 }))]],
    ["a PING on a stream", (id) => [encodeFrame(frameTypes.ping, id, number(1))]],
    ["a PING of 3 bytes", () => [encodeFrame(frameTypes.ping, 0, Buffer.alloc(3))]],
    ["a control frame of 4,097 bytes", () => [encodeFrame(frameTypes.status, 0, Buffer.alloc(4_097, "1"))]],
    ["a control frame that is no JSON", () => [encodeFrame(frameTypes.status, 0, Buffer.from("{nonsense"))]],
    ["a STATUS with a battery of 101 %", () => [status({ batteryPercent: 101, network: "wifi", dayBytes: 0, accepting: true })]],
    ["a STATUS with 2^53 bytes", () => [status({ network: "wifi", dayBytes: 2 ** 53, accepting: true })]],
    ["a proof when it has long been admitted", () => [encodeFrame(frameTypes.challenge + 1, 0, Buffer.from("{}"))]],
    ["a frame that only gateways send", () => [encodeFrame(frameTypes.refused, 0, encodeControl("refused", { code: "x", message: "y" }))]],
    ["half a frame and then nothing", (id) => [data(id, 100).subarray(0, 20)]],
  ])("%s", async (_what, frames) => {
    const { node, id, client } = await askBadNode();
    for (const frame of frames(id)) node.socket.write(frame);
    // A half frame breaks no rule as long as its sender stays.
    if (frames(id).at(-1)?.length === 20) node.socket.destroy();
    await node.closed;
    await client;
    await until(async () => (await rig.metric("karvon_tunnels")) === 1);
    await expectBystanderServed();
    expect(await rig.metric("karvon_sessions_open")).toBe(1);
  });

  test("DATA beyond the window that a client that does not read has left", async () => {
    const { node, id, client } = await askBadNode();
    node.socket.write(opened(id));
    // The client reads, so a window is given back as it is used: at once it is 64 KB.
    node.socket.write(Buffer.concat(Array.from({ length: 40 }, () => data(id, 16_376))));
    await node.closed;
    await client;
    await expectBystanderServed();
  });
});

describe("a node keeps its tunnel when it sends", () => {
  test.each<[string, (id: number) => readonly Buffer[]]>([
    [
      "types from 128 on that nobody knows yet",
      () => [encodeFrame(200, 0, Buffer.from("later")), encodeFrame(255, 7, Buffer.alloc(4_096))],
    ],
    ["a WINDOW for a session that is over", (id) => [encodeFrame(frameTypes.rst, id, Buffer.from([2])), window(id, 10)]],
    ["an RST twice", (id) => [encodeFrame(frameTypes.rst, id, Buffer.from([2])), encodeFrame(frameTypes.rst, id, Buffer.from([2]))]],
    ["an RST with a reason that nobody knows", (id) => [encodeFrame(frameTypes.rst, id, Buffer.from([250]))]],
  ])("%s", async (_what, frames) => {
    const { node, id, client } = await askBadNode();
    for (const frame of frames(id)) node.socket.write(frame);
    node.socket.write(encodeFrame(frameTypes.rst, id, Buffer.from([2])));
    expect(readAnswer(await client).status).toBeGreaterThanOrEqual(500);
    expect(node.tunnel.isClosed).toBe(false);
    expect(await rig.metric("karvon_tunnels")).toBe(2);
    node.close();
    await until(async () => (await rig.metric("karvon_tunnels")) === 1);
  });
});

describe("floods", () => {
  const times = 100_000;
  test.each<[string, (id: number) => Buffer]>([
    ["RST for a session that is over", (id) => encodeFrame(frameTypes.rst, id, Buffer.from([2]))],
    ["WINDOW for a session that is over", (id) => window(id, 1)],
    ["PING", () => encodeFrame(frameTypes.ping, 0, number(1))],
    ["PONG that nobody asked for", () => encodeFrame(frameTypes.pong, 0, number(1))],
    ["empty frames of a later version", () => encodeFrame(200, 0)],
  ])(`of ${times} x %s disturb nobody`, async (_what, frame) => {
    const { node, id, client } = await askBadNode();
    node.socket.write(encodeFrame(frameTypes.rst, id, Buffer.from([2])));
    await client;
    const part = Buffer.concat(Array.from({ length: 2_000 }, () => frame(id)));
    for (let sent = 0; sent < times; sent += 2_000) node.socket.write(part);
    await expectBystanderServed();
    node.close();
    await until(async () => (await rig.metric("karvon_tunnels")) === 1, { timeoutMs: 15_000 });
  });

  test("of STATUS frames disturb nobody and fill no log", async () => {
    const { node, id, client } = await askBadNode();
    node.socket.write(encodeFrame(frameTypes.rst, id, Buffer.from([2])));
    await client;
    const linesBefore = rig.logLines.length;
    for (let count = 0; count < 5_000; count += 1) node.report({ batteryPercent: count % 100 });
    await expectBystanderServed();
    node.close();
    await until(async () => (await rig.metric("karvon_tunnels")) === 1, { timeoutMs: 15_000 });
    expect(rig.logLines.length - linesBefore).toBeLessThan(20);
  });
});

test("a node that never answers is given up for another one", async () => {
  const silent = await rig.addNode({ place: { country: "KZ", city: "Astana" }, onOpen: () => undefined });
  const socket = await dial(rig.proxy.proxyPort);
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  socket.write(connectHead(echo.port, "-country-kz"));
  await until(() => silent.tunnel.openStreams === 1);
  await rig.addNode({ place: { country: "KZ", city: "Almaty" } });
  await until(() => received.includes("\r\n\r\n"), { timeoutMs: 20_000 });
  expect(readAnswer(Buffer.from(received))).toMatchObject({ status: 200, headers: { "x-px-city": "Almaty" } });
  expect(silent.tunnel.openStreams).toBe(0);
  socket.destroy();
});

test("no fault was met on the way", async () => {
  expect(await rig.metric("karvon_faults_total")).toBe(0);
  await until(async () => (await rig.metric("karvon_sessions_open")) === 1);
});
