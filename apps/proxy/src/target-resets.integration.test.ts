/** Targets that reset their connection in every phase: what each protocol tells the client, what is posted, what is left. */
import { until } from "@karvon/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { basic, type Conversation, exchange, readAnswer, socksOpened, socksOpening } from "./test/raw-client.ts";
import { rawPeers } from "./test/raw-peers.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import type { TestNode } from "./test/test-node.ts";

let rig: Rig;
let login: Login;
let node: TestNode;
let testStartedAt: Date;
const { origins, startOrigin, open, hangUp, close } = rawPeers(() => rig.proxy.proxyPort);

beforeAll(async () => {
  // No flush meanwhile: a session that a flush has named is billed although it failed.
  rig = await openRig({ flushIntervalMs: 60_000 });
  login = await rig.makeLogin();
  node = await rig.addNode();
});
beforeEach(() => {
  testStartedAt = new Date();
});
afterEach(close);
afterAll(() => rig.close());

interface Phase {
  readonly when: string;
  /** What the target sends before it resets; null resets at accept. */
  readonly says: string | null;
  /** Whether a plain request has had its answer's head by then. */
  readonly isAnswered: boolean;
}

const phases: readonly Phase[] = [
  { when: "at accept", says: null, isAnswered: false },
  { when: "after the request's head", says: "", isAnswered: false },
  { when: "in the middle of its answer's head", says: "HTTP/1.1 200 OK\r\nX-Half: ", isAnswered: false },
  { when: "in a body with a length", says: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", isAnswered: true },
  { when: "in the middle of a chunk", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf", isAnswered: true },
  { when: "between two chunks", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", isAnswered: true },
  { when: "in a body that closing would end", says: "HTTP/1.1 200 OK\r\n\r\nhalf", isAnswered: true },
];

/** `resetNow` is for what the client has already seen; otherwise the target resets by itself. */
async function startTarget({ says, isAnswered }: Phase): Promise<{ readonly port: number; resetNow(): void }> {
  const origin = await startOrigin(
    ({ socket }) => {
      if (isAnswered) socket.write(says ?? "");
      else socket.write(says ?? "", () => socket.resetAndDestroy());
    },
    ({ socket }) => void (says === null && socket.resetAndDestroy()),
  );
  return { port: origin.port, resetNow: () => void origin.connections[0]?.socket.resetAndDestroy() };
}

interface Row {
  readonly up_bytes: string;
  readonly down_bytes: string;
  readonly close_reason: string;
  readonly protocol: string;
}

/** The sessions of this test to its target: the system gives a port that an earlier test let go to a later one. */
async function rowsTo(port: number): Promise<readonly Row[]> {
  await rig.proxy.flushNow();
  const { rows } = await rig.fixtures.pool.query<Row>(
    "SELECT up_bytes::text, down_bytes::text, close_reason, protocol FROM proxy_session WHERE target_port = $1 AND opened_at >= $2 ORDER BY opened_at",
    [port, testStartedAt],
  );
  return rows;
}

async function nothingIsLeft(): Promise<void> {
  hangUp();
  await until(async () => (await rig.metric("karvon_sessions_open")) === 0 && node.tunnel.openStreams === 0, { what: "no session" });
  await until(async () => (await rig.metric("karvon_connections_open")) === 0, { what: "no connection is left" });
  await until(() => origins.every(({ connections }) => connections.every(({ isClosed }) => isClosed)), { what: "the target is let go" });
  expect(await rig.metric("karvon_faults_total")).toBe(0);
}

async function expectServed(): Promise<void> {
  const { status } = readAnswer(await exchange(rig.proxy.proxyPort, plainRequest(rig.origin.port, "Connection: close\r\n")));
  expect(status).toBe(200);
  await nothingIsLeft();
}

const plainRequest = (port: number, fields = ""): string =>
  `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}${fields}\r\n`;

describe("over plain HTTP", () => {
  test.each(phases.filter(({ isAnswered }) => !isAnswered))("a reset $when is target_reset, and not billed", async (phase) => {
    const target = await startTarget(phase);
    const client = await open();
    const { status, headers, body } = await client.ask(plainRequest(target.port));
    expect({ status, code: headers["x-error-code"], connection: headers["connection"] }).toEqual({
      status: 502,
      code: "target_reset",
      connection: "close",
    });
    expect(headers["proxy-status"]).toMatch(/^karvon; error=connection_terminated; details="target_reset: [^"]+"$/);
    expect(JSON.parse(body)).toMatchObject({ code: "target_reset", billed: false, retryable: true, requestId: headers["x-px-request-id"] });
    await until(() => client.hasEnded);
    expect(await rowsTo(target.port)).toEqual([]);
    await until(async () => {
      const { rows } = await rig.fixtures.pool.query("SELECT code FROM proxy_refusal WHERE id = $1", [headers["x-px-request-id"]]);
      return rows[0]?.code === "target_reset";
    });
    await nothingIsLeft();
    await expectServed();
  });

  test.each(phases.filter(({ isAnswered }) => isAnswered))("a reset $when cuts the client's connection, and is billed", async (phase) => {
    const target = await startTarget(phase);
    const client = await open();
    client.send(plainRequest(target.port));
    await until(() => client.rest.includes("half"), { what: "the first half" });
    target.resetNow();
    await until(() => client.socket.destroyed, { what: "the cut" });
    expect({ hasEnded: client.hasEnded, last: client.rest.replace(/^.*\r\n\r\n/s, "") }).toEqual({
      hasEnded: false,
      last: (phase.says ?? "").replace(/^.*\r\n\r\n/s, ""),
    });
    expect(await rowsTo(target.port)).toEqual([
      {
        up_bytes: String(origins[0]?.connections[0]?.received.length),
        down_bytes: String(phase.says?.length),
        close_reason: "target_reset",
        protocol: "http",
      },
    ]);
    await nothingIsLeft();
    await expectServed();
  });

  test("a reset after the answer costs the client nothing: its next request opens another session", async () => {
    const says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const target = await startTarget({ when: "", says, isAnswered: true });
    const client = await open();
    const first = await client.ask(plainRequest(target.port));
    target.resetNow();
    await until(async () => (await rig.metric("karvon_sessions_open")) === 0);
    const second = await client.ask(plainRequest(target.port));
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.headers["x-px-request-id"]).not.toBe(first.headers["x-px-request-id"]);
    await nothingIsLeft();
    expect((await rowsTo(target.port)).map(({ down_bytes }) => down_bytes)).toEqual([says.length, says.length].map(String));
    await expectServed();
  });

  test("a reset while the client still sends its body is target_reset as long as there is no answer", async () => {
    const origin = await startOrigin(({ socket, received }) => void (received.endsWith("half") && socket.resetAndDestroy()));
    const client = await open();
    client.send(`${plainRequest(origin.port, "Content-Length: 100\r\n").replace("GET", "POST")}half`);
    const { status, headers } = await client.answer();
    expect([status, headers["x-error-code"]]).toEqual([502, "target_reset"]);
    await until(() => client.hasEnded);
    await nothingIsLeft();
    await expectServed();
  });
});

type TunnelProtocol = "connect" | "socks5";

/** A tunnel, or what the gateway said instead. */
async function askTunnel(protocol: TunnelProtocol, port: number): Promise<{ readonly client: Conversation; readonly said: string }> {
  const client = await open();
  if (protocol === "connect") {
    const auth = basic(login.username, login.password);
    const { status, headers } = await client.ask(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n${auth}\r\n`);
    return { client, said: status === 200 ? "open" : `${status} ${headers["x-error-code"]}` };
  }
  client.send(socksOpening(login, port));
  await until(() => client.rest.length >= socksOpened.length || client.hasEnded);
  if (client.hasEnded) return { client, said: client.rest.length === 4 ? "closed without a reply" : "closed" };
  return { client, said: (await client.take(socksOpened.length)).equals(socksOpened) ? "open" : "another reply" };
}

async function openTunnel(protocol: TunnelProtocol, port: number): Promise<Conversation> {
  const { client, said } = await askTunnel(protocol, port);
  expect(said).toBe("open");
  return client;
}

const inside = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

describe.each<TunnelProtocol>(["connect", "socks5"])("over %s", (protocol) => {
  const refusedAs = { connect: "502 target_reset", socks5: "closed without a reply" }[protocol];

  test("a reset at accept is target_reset when the node hears of it first, and otherwise cuts the tunnel", async () => {
    const target = await startTarget({ when: "", says: null, isAnswered: false });
    const { client, said } = await askTunnel(protocol, target.port);
    expect(["open", refusedAs]).toContain(said);
    await until(() => client.socket.destroyed || client.hasEnded, { what: "the end" });
    expect(client.hasEnded).toBe(said !== "open");
    await nothingIsLeft();
    const row = { up_bytes: "0", down_bytes: "0", close_reason: "target_reset", protocol };
    expect(await rowsTo(target.port)).toEqual(said === "open" ? [row] : []);
    await expectServed();
  });

  const said = phases.filter(({ says }) => says !== null);
  test.each(said)("a reset $when cuts the tunnel behind what was said, and is billed as far as it went", async (phase) => {
    const target = await startTarget({ ...phase, isAnswered: (phase.says ?? "") !== "" });
    const client = await openTunnel(protocol, target.port);
    client.send(inside);
    await until(() => client.rest === (phase.says ?? ""), { what: "what the target says" });
    target.resetNow();
    await until(() => client.socket.destroyed, { what: "the cut" });
    expect({ hasEnded: client.hasEnded, rest: client.rest }).toEqual({ hasEnded: false, rest: phase.says ?? "" });
    await nothingIsLeft();
    expect(await rowsTo(target.port)).toEqual([
      {
        up_bytes: String(inside.length),
        down_bytes: String((phase.says ?? "").length),
        close_reason: "target_reset",
        protocol,
      },
    ]);
    await expectServed();
  });

  test("a reset behind the target's end of data cuts off whoever goes on sending", async () => {
    const origin = await startOrigin(({ socket }) => void socket.end("bye"));
    const client = await openTunnel(protocol, origin.port);
    client.send(inside);
    await until(() => client.hasEnded && client.rest === "bye");
    origin.connections[0]?.socket.resetAndDestroy();
    const sending = setInterval(() => client.send(Buffer.alloc(1_000)), 10);
    await until(() => client.socket.destroyed, { what: "the cut" }).finally(() => clearInterval(sending));
    await nothingIsLeft();
    expect(await rowsTo(origin.port)).toMatchObject([{ down_bytes: "3", close_reason: "target_reset", protocol }]);
    await expectServed();
  });
});
