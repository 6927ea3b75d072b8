/** Length fields of SOCKS5 and of the PROXY protocol at their ends, as a gateway answers them over sockets. */
import { until } from "@karvon/testkit";
import { writeProxyHeaderV1 } from "@karvon/wire";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dial, exchange, socksLogin, socksOpened, socksOpening } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { dialTls } from "./test/test-node.ts";

let rig: Rig;
let login: Login;
const greeting = Buffer.from([5, 1, 2]);

beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  await rig.addNode();
});
afterAll(() => rig.close());

const u16 = (value: number): Buffer => Buffer.from([value >>> 8, value & 255]);
/** From 203.0.113.200, with fields behind the addresses that make the body `length` bytes. */
const binaryHeader = (length: number): Buffer =>
  Buffer.concat([
    Buffer.from("\r\n\r\n\0\r\nQUIT\n\x21\x11", "latin1"),
    u16(length),
    Buffer.from([203, 0, 113, 200, 127, 0, 0, 1, 0, 80, 0, 80]),
    Buffer.alloc(Math.max(0, length - 12), 4),
  ]);
const textHeader = writeProxyHeaderV1({
  sourceAddress: "203.0.113.201",
  sourcePort: 65_535,
  destinationAddress: "127.0.0.1",
  destinationPort: 1,
});

async function nothingIsHeld(): Promise<void> {
  await until(async () => (await rig.metric("karvon_connections_open")) === 0 && (await rig.metric("karvon_sessions_open")) === 0);
  expect(await rig.metric("karvon_faults_total")).toBe(0);
}

/** Byte by byte, each in a turn of its own; ends when the gateway has answered `count` bytes or the connection. */
async function drip(bytes: Buffer, count: number): Promise<Buffer> {
  const socket: Socket = await dial(rig.proxy.proxyPort);
  socket.setNoDelay(true);
  const chunks: Buffer[] = [];
  const end = { isThere: false };
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  for (const name of ["end", "close"]) socket.on(name, () => (end.isThere = true));
  for (let at = 0; at < bytes.length && !end.isThere; at += 1) {
    socket.write(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => end.isThere || Buffer.concat(chunks).length >= count, { what: "an answer" });
  socket.destroy();
  return Buffer.concat(chunks);
}

describe("a whole SOCKS5 opening behind a PROXY header", () => {
  const headers = [
    ["none", () => Buffer.alloc(0)],
    ["version 1", () => textHeader],
    ["version 2", () => binaryHeader(12)],
    ["version 2 of 4,112 bytes", () => binaryHeader(4_096)],
  ] as const;

  test.each(headers)("(%s) is served whole and byte by byte, for the address that it names", async (_what, header) => {
    const bytes = Buffer.concat([header(), socksOpening(login, rig.origin.port)]);
    expect((await drip(bytes, socksOpened.length)).equals(socksOpened)).toBe(true);
    expect((await exchange(rig.proxy.proxyPort, bytes, { half: true })).subarray(0, socksOpened.length).equals(socksOpened)).toBe(true);
    await nothingIsHeld();
  });

  test("names the client in the session log", async () => {
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query(
      "SELECT host(client_address::inet) AS address, count(*)::int AS sessions FROM proxy_session GROUP BY 1 ORDER BY 1",
    );
    expect(rows).toEqual([
      { address: "127.0.0.1", sessions: 2 },
      { address: "203.0.113.200", sessions: 4 },
      { address: "203.0.113.201", sessions: 2 },
    ]);
  });

  test("that ends after any of its bytes is closed, and leaves nothing", async () => {
    for (const header of [textHeader, binaryHeader(20)]) {
      const bytes = Buffer.concat([header, socksOpening(login, rig.origin.port)]);
      const cuts = Array.from({ length: bytes.length - 1 }, (_, index) => bytes.subarray(0, index + 1));
      const answers = await Promise.all(cuts.map((cut) => exchange(rig.proxy.proxyPort, cut, { half: true })));
      // Nothing short of the whole opens anything.
      expect(answers.filter((answer) => answer.length >= socksOpened.length && answer[5] === 0)).toEqual([]);
    }
    await nothingIsHeld();
  });
});

describe("a length at its end", () => {
  const open = (...parts: Buffer[]): Promise<Buffer> => exchange(rig.proxy.proxyPort, Buffer.concat(parts), { half: true });
  const request = (name: string, port: number): Buffer =>
    Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), Buffer.from(name, "latin1"), u16(port)]);
  /** A name of so many bytes, in labels that are not too long themselves. */
  const longName = (length: number): string =>
    `${"a".repeat(60)}.`
      .repeat(5)
      .slice(0, length - 4)
      .replace(/\.$/, "b")
      .concat(".com");

  test.each([
    [1, 1],
    [1, 255],
    [255, 1],
    [254, 254],
    [255, 255],
  ])("a login of %d and %d bytes that nobody has is refused as one", async (user, password) => {
    const who = { username: "u".repeat(user), password: "p".repeat(password) };
    expect([...(await open(greeting, socksLogin(who)))]).toEqual([5, 2, 1, 1]);
  });

  test.each([
    ["user", Buffer.from([1, 0])],
    ["password", Buffer.from([1, 1, 0x61, 0])],
  ])("an empty %s is refused as a login", async (_what, bytes) => {
    expect([...(await open(greeting, bytes))]).toEqual([5, 2, 1, 1]);
  });

  test.each([
    ["no methods", Buffer.from([5, 0])],
    ["255 methods of which none is offered", Buffer.concat([Buffer.from([5, 255]), Buffer.alloc(255, 1)])],
  ])("a greeting with %s has none that is acceptable", async (_what, bytes) => {
    expect([...(await open(bytes))]).toEqual([5, 0xff]);
  });

  test("a greeting with 255 methods of which one is offered gets that one", async () => {
    const bytes = Buffer.concat([Buffer.from([5, 255]), Buffer.alloc(254, 9), Buffer.from([2])]);
    expect((await open(bytes, socksLogin(login), Buffer.from([5]))).subarray(0, 4)).toEqual(Buffer.from([5, 2, 1, 0]));
  });

  test.each([
    ["a name of 0 bytes", "", 80, 7],
    ["a name of 1 byte", "a", 80, 2],
    ["a name of 253 bytes and a closed port", longName(253), 1, 2],
    ["a name of 254 bytes", longName(254), 80, 7],
    ["a name of 255 bytes", longName(255), 80, 7],
    ["port 0", "shop.example", 0, 7],
    ["port 65535", "shop.example", 65_535, 2],
  ])("%s is refused in the reply", async (_what, name, port, code) => {
    const reply = await open(greeting, socksLogin(login), request(name, port));
    expect([...reply.subarray(0, 6)]).toEqual([5, 2, 1, 0, 5, code]);
  });

  test.each([
    ["that cannot hold its addresses", 11],
    ["of 0", 0],
    ["that is too long", 4_097],
    ["that is as long as can be said", 65_535],
  ])("a PROXY header with a length %s is closed without a word", async (_what, length) => {
    expect(await exchange(rig.proxy.proxyPort, Buffer.concat([binaryHeader(length).subarray(0, 28), greeting]))).toHaveLength(0);
    await nothingIsHeld();
  });
});

test("a node is known by a PROXY header of 4,112 bytes, in two parts as in one", async () => {
  const header = binaryHeader(4_096);
  for (const cuts of [[header.length], [2_000, header.length]]) {
    const socket = await dialTls(
      rig.proxy.tunnelPort,
      cuts.map((end, index) => header.subarray(cuts[index - 1] ?? 0, end)),
    );
    expect(socket.alpnProtocol).toBe("karvon/1");
    socket.destroy();
  }
});
