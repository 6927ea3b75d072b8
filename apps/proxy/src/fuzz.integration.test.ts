/** Injured bytes on every port of a running gateway. `npm run fuzz` runs it for as long as is wanted. */
import { until } from "@karvon/testkit";
import { nodeFrames, proxyHeaders, type Random, requestHeads, socksDialogues, splitRandomly } from "@karvon/wire/testing";
import { encodeFrame, writeProxyHeaderV1 } from "@karvon/wire";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attackPort, attackSocket, fuzzSockets, type SocketFuzz } from "./test/fuzz-sockets.ts";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { connectTarget, dialTls, type TestNode } from "./test/test-node.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 20_261);
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
/** The tests send a few hundred inputs; a run by itself as many as its time allows, some of which only a timeout ends. */
const isLong = seconds > 0;
const effort = {
  seed,
  seconds: isLong ? seconds : 30,
  inputsMax: isLong ? Number.POSITIVE_INFINITY : 300,
  atOnce: 40,
  silentOneIn: isLong ? 16 : 0,
};

let rig: Rig;
let login: Login;
/** Whose name and password get injured. */
let victim: Login;
let target = "";

beforeAll(async () => {
  rig = await openRig(isLong ? {} : { clientTlsTimings: { handshakeTimeoutMs: 1_000 } });
  login = await rig.makeLogin({ bytes: 1_000_000_000_000n });
  victim = await rig.makeLogin({ bytes: 1_000_000_000_000n });
  target = `127.0.0.1:${rig.origin.port}`;
  // An injured name must not be looked up anywhere.
  await rig.addNode({
    onOpen(stream, where) {
      if (where.host === "127.0.0.1") connectTarget(stream, where);
      else stream.reset("dns");
    },
  });
});
afterAll(() => rig.close());

/** Runs one attack beside a session of somebody else, and looks at everything that must be as before. */
async function withstand(options: Pick<SocketFuzz, "parser" | "injuries" | "attack"> & Partial<SocketFuzz>): Promise<void> {
  const bystander = await openEcho();
  const faultsBefore = uncaughtSoFar();
  const { figure, failures } = await fuzzSockets({ ...effort, ...options });
  const uncaught = uncaughtSoFar().slice(faultsBefore.length);
  process.stdout.write(`${JSON.stringify({ ...figure, uncaught: uncaught.length })}\n`);
  await bystander.expectAlive();
  bystander.close();
  expect(failures).toEqual([]);
  expect(uncaught).toEqual([]);
  expect(figure.inputs).toBeGreaterThan(20);
  await until(async () => /^karvon_sessions_open 0$/m.test(await rig.metrics()), { timeoutMs: 15_000, what: "all sessions end" });
  expect(await rig.metrics()).toMatch(/^karvon_faults_total 0$/m);
}

/** A node that lies is an error in the log by design. */
function uncaughtSoFar(): unknown[] {
  return rig.logLines.filter((line) => line["level"] === "error" && line["event"] !== "node.violation");
}

/** A session to an echo server through the first node. */
async function openEcho(): Promise<{ expectAlive: () => Promise<void>; close: () => void }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const socket = await dial(rig.proxy.proxyPort);
  socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n${basic(`${login.username}-country-uz`, login.password)}\r\n`);
  const [head]: Buffer[] = await once(socket, "data");
  expect(readAnswer(head ?? Buffer.alloc(0)).status).toBe(200);
  return {
    async expectAlive() {
      const sent = randomBytes(100_000);
      const got: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => got.push(chunk));
      socket.write(sent);
      await until(() => Buffer.concat(got).length >= sent.length);
      expect(Buffer.concat(got).equals(sent)).toBe(true);
    },
    close() {
      socket.destroy();
      server.close();
    },
  };
}

/** From an address that has guessed no password yet, as a trusted balancer announces it. */
function attackAsStranger(bytes: Buffer, random: Random, isSilent: boolean): Promise<boolean> {
  const sourceAddress = `198.18.${random(256)}.${random(256)}`;
  const header = writeProxyHeaderV1({ sourceAddress, sourcePort: 4_000, destinationAddress: "127.0.0.1", destinationPort: 7_000 });
  return attackPort(rig.proxy.proxyPort, Buffer.concat([header, bytes]), random, isSilent);
}

test(`injured HTTP requests are answered or closed, and nothing else happens (seed ${seed})`, async () => {
  const auth = basic(`${victim.username}-country-uz`, victim.password);
  const lines = (...all: string[]): Buffer => Buffer.from(all.join("\r\n"));
  const end = "Connection: close";
  await withstand({
    parser: "http",
    injuries: {
      words: requestHeads.words ?? [],
      corpus: [
        lines(`GET http://${target}/a HTTP/1.1`, `Host: ${target}`, `${auth}${end}`, "", ""),
        lines(
          `POST http://${target}/echo HTTP/1.1`,
          `Host: ${target}`,
          "Transfer-Encoding: chunked",
          `${auth}${end}`,
          "",
          "5",
          "hello",
          "0",
          "",
          "",
        ),
        lines(
          `POST http://${target}/echo HTTP/1.1`,
          `Host: ${target}`,
          "Content-Length: 5",
          "Expect: 100-continue",
          `${auth}${end}`,
          "",
          "hello",
        ),
        lines(
          `GET http://${target}/a HTTP/1.1`,
          `Host: ${target}`,
          auth,
          `GET http://${target}/b HTTP/1.1`,
          `Host: ${target}`,
          `${auth}${end}`,
          "",
          "",
        ),
        lines(`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, auth, "GET / HTTP/1.0", "", ""),
      ],
    },
    attack: attackAsStranger,
  });
}, 900_000);

test(`injured SOCKS5 dialogues are answered or closed, and nothing else happens (seed ${seed})`, async () => {
  const dialogue = Buffer.concat([
    Buffer.from([5, 2, 0, 2, 1, victim.username.length]),
    Buffer.from(victim.username),
    Buffer.from([victim.password.length]),
    Buffer.from(victim.password),
    Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, rig.origin.port >> 8, rig.origin.port & 255]),
    Buffer.from("GET / HTTP/1.0\r\n\r\n"),
  ]);
  await withstand({
    parser: "socks5",
    injuries: { corpus: [dialogue, dialogue, dialogue, ...socksDialogues.corpus] },
    attack: attackAsStranger,
  });
}, 900_000);

test(`injured PROXY headers are answered or closed on both ports, and nothing else happens (seed ${seed})`, async () => {
  const request = Buffer.from(`GET http://${target}/ HTTP/1.0\r\n${basic(victim.username, victim.password)}\r\n`);
  await withstand({
    parser: "proxy-header",
    injuries: { ...proxyHeaders, corpus: proxyHeaders.corpus.map((header) => Buffer.concat([header, request])) },
    attack: (bytes, random, isSilent) => attackPort(random(4) === 0 ? rig.proxy.tunnelPort : rig.proxy.proxyPort, bytes, random, isSilent),
  });
}, 900_000);

test(`injured TLS handshakes on both ports are answered or closed, and nothing else happens (seed ${seed})`, async () => {
  await withstand({
    parser: "tunnel-handshake",
    injuries: { corpus: [await recordClientHello()] },
    attack: (bytes, random, isSilent) => attackPort(random(4) === 0 ? rig.proxy.proxyPort : rig.proxy.tunnelPort, bytes, random, isSilent),
  });
}, 900_000);

/** What a node sends first. */
async function recordClientHello(): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const client = connectTls({ port: typeof address === "object" && address !== null ? address.port : 0, ALPNProtocols: ["karvon/1"] });
  client.on("error", () => undefined);
  const [socket] = await once(server, "connection");
  const [hello]: Buffer[] = await once(socket, "data");
  client.destroy();
  socket.destroy();
  server.close();
  return hello ?? Buffer.alloc(0);
}

test(`injured frames of nobody's are answered or closed, and nothing else happens (seed ${seed})`, async () => {
  await withstand({
    parser: "tunnel-before-login",
    injuries: nodeFrames,
    inputsMax: isLong ? effort.inputsMax : 100,
    atOnce: 10,
    attack: async (bytes, random, isSilent) => attackSocket(await dialTls(rig.proxy.tunnelPort), bytes, random, isSilent),
  });
}, 900_000);

const fatal = encodeFrame(99, 0);

/** A node of its own country with a session on its way: it answers with injured frames. */
function makeFrameAttack(): SocketFuzz["attack"] {
  let last: TestNode | null = null;
  async function admit(): Promise<TestNode> {
    const again = last === null ? null : await rig.redial(last);
    // One that has lied about its address does not come back.
    return again?.verdict.type === "ready" ? again : rig.addNode({ place: { country: "KZ" }, onOpen: () => undefined });
  }
  return async (bytes: Buffer, random: Random) => {
    const node = await admit();
    last = node;
    const client = exchange(
      rig.proxy.proxyPort,
      `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n${basic(`${login.username}-country-kz`, login.password)}\r\nearly data`,
      { half: true },
    );
    await until(() => node.tunnel.openStreams > 0, { what: "the session asks the node" });
    for (const part of splitRandomly(bytes, random)) node.socket.write(part);
    // Whatever frame is still being read, so much of this ends it.
    node.socket.write(Buffer.concat(Array.from({ length: 2_600 }, () => fatal)));
    await Promise.all([node.closed, client]);
    return true;
  };
}

test(`injured frames of a node end its own tunnel and the session in it, and nothing else happens (seed ${seed})`, async () => {
  await withstand({
    parser: "tunnel-frames",
    injuries: nodeFrames,
    inputsMax: isLong ? effort.inputsMax : 60,
    atOnce: 1,
    attack: makeFrameAttack(),
  });
}, 900_000);
