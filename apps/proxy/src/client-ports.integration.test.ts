import { until } from "@karvon/testkit";
import { writeProxyHeaderV1 } from "@karvon/wire";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClientPorts } from "./gateway/open-client-ports.ts";
import { tenMegabytes } from "./test/origin.ts";
import { secondCertPem, secondKeyPem, testCertPem, testKeyPem } from "./test/certificate.ts";
import { basic, dial, dialTls, exchange, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { runCurl } from "./test/run-curl.ts";

let rig: Rig;
let login: Login;
let aliasPort = 0;
let stickyPort = 0;
const firstPair = { certPem: testCertPem, keyPem: testKeyPem };
let pair = firstPair;

/** The first of `count` ports in a row that nobody listens on. */
async function freePorts(count: number): Promise<number> {
  for (let first = 20_000 + (process.pid % 20_000); ; first += count) {
    const servers = Array.from({ length: count }, () => createServer());
    try {
      for (const [at, server] of servers.entries()) {
        server.listen({ port: first + at, host: "::", exclusive: true });
        await once(server, "listening");
      }
      return first;
    } catch {
      // One of them is taken: on to the next.
    } finally {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    }
  }
}

beforeAll(async () => {
  aliasPort = await freePorts(3);
  stickyPort = aliasPort + 1;
  rig = await openRig({
    aliasPorts: [aliasPort],
    stickyPorts: { first: stickyPort, last: stickyPort + 1 },
    readClientTls: () => pair,
    clientTlsTimings: { handshakeTimeoutMs: 300, renewalIntervalMs: 20 },
  });
  login = await rig.makeLogin();
  for (let count = 0; count < 4; count += 1) await rig.addNode();
});
afterAll(() => rig.close());

const request = (path: string, suffix = "", method = "GET"): string => {
  const authority = `127.0.0.1:${rig.origin.port}`;
  return `${method} http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${basic(`${login.username}${suffix}`, login.password)}\r\n`;
};
const connectHead = (port: number, suffix = ""): string =>
  `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n${basic(`${login.username}${suffix}`, login.password)}\r\n`;

async function exitOn(port: number, suffix = ""): Promise<string | undefined> {
  return readAnswer(await exchange(port, request("/", suffix))).headers["x-px-exit-ip"];
}

const connectionsOpen = (): Promise<number> => rig.metric("karvon_connections_open");

async function listenOn(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** What a TLS client sends first. */
async function recordHello(): Promise<Buffer> {
  const server = createServer();
  const connecting = connectTls({ port: await listenOn(server), host: "127.0.0.1" });
  connecting.on("error", () => undefined);
  const [socket]: Socket[] = await once(server, "connection");
  const hello: Buffer = await new Promise((resolve) => socket?.once("data", resolve));
  connecting.destroy();
  socket?.destroy();
  server.close();
  return hello;
}

/** Forwards what it gets one byte at a time, each in a packet of its own. */
async function startDripper(port: number): Promise<{ port: number; close(): void }> {
  const sockets: Socket[] = [];
  async function drip(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from) {
      for (const byte of chunk) await new Promise((resolve) => to.write(Buffer.from([byte]), resolve));
    }
    to.end();
  }
  const server = createServer({ allowHalfOpen: true }, (near) => {
    void dial(port).then((far) => {
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        socket.on("error", () => undefined);
        sockets.push(socket);
      }
      drip(near, far).catch(() => far.destroy());
      far.pipe(near);
    });
  });
  const dripPort = await listenOn(server);
  return {
    port: dripPort,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe("TLS to the proxy port", () => {
  const viaTls = (): string[] => [
    "--proxy",
    `https://${login.username}:${login.password}@127.0.0.1:${rig.proxy.proxyPort}`,
    "--proxy-insecure",
  ];

  test("curl gets a page through an https:// proxy, by absolute-form and by CONNECT", async () => {
    const plain = await runCurl([...viaTls(), `http://127.0.0.1:${rig.origin.port}/hello`]);
    expect({ exitCode: plain.exitCode, status: plain.status, body: JSON.parse(plain.body.toString()).path }).toEqual({
      exitCode: 0,
      status: 200,
      body: "/hello",
    });
    const tunnelled = await runCurl([...viaTls(), "--proxytunnel", `http://127.0.0.1:${rig.origin.port}/10mb`]);
    expect([tunnelled.exitCode, tunnelled.connectStatus, tunnelled.status]).toEqual([0, 200, 200]);
    expect(tunnelled.body.equals(tenMegabytes)).toBe(true);
  });

  test("curl sends 10 MB up and they arrive whole", async () => {
    const before = rig.origin.requests.length;
    const { exitCode } = await runCurl([...viaTls(), "-T", "-", `http://127.0.0.1:${rig.origin.port}/echo`], tenMegabytes);
    expect(exitCode).toBe(0);
    expect(rig.origin.requests[before]).toMatchObject({ bodyBytes: tenMegabytes.length });
  });

  test("SOCKS5 inside opens, and is refused with the same replies", async () => {
    const target = { host: "127.0.0.1", port: rig.origin.port };
    expect(await socksConnect(rig.proxy.proxyPort, login, target, dialTls)).toBe("00");
    expect(await socksConnect(rig.proxy.proxyPort, { ...login, password: "pxkWRONG" }, target, dialTls)).toBe("A");
    expect(await socksConnect(rig.proxy.proxyPort, login, { host: "10.0.0.1", port: 80 }, dialTls)).toBe("02");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s is spoken, with an AEAD cipher", async (version) => {
    const socket = await dialTls(rig.proxy.proxyPort, { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    expect(socket.getCipher().name).toMatch(/GCM|CHACHA20/);
    socket.destroy();
  });

  test.each([
    ["TLS 1.1", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }],
    ["CBC", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA" }],
  ] as const)("%s is refused", async (_what, options) => {
    await expect(dialTls(rig.proxy.proxyPort, options)).rejects.toThrow(/alert|handshake|protocol|disconnected/i);
  });

  test("one byte at a time works for the handshake and for HTTP and SOCKS5 inside", async () => {
    const dripper = await startDripper(rig.proxy.proxyPort);
    const slow = (port: number): Promise<Socket> => dialTls(port);
    expect(readAnswer(await exchange(dripper.port, request("/"), { dial: slow })).status).toBe(200);
    expect(await socksConnect(dripper.port, login, { host: "127.0.0.1", port: rig.origin.port }, slow)).toBe("00");
    const socket = await dialTls(rig.proxy.proxyPort);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    for (const byte of Buffer.from(request("/"))) socket.write(Buffer.from([byte]));
    await once(socket, "end");
    expect(readAnswer(Buffer.concat(chunks)).status).toBe(200);
    socket.destroy();
    dripper.close();
  });

  test.each([
    ["says nothing after the first byte", Buffer.from([0x16])],
    ["stops in the middle of its hello", Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
    ["sends a hello that is none", Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3])],
  ])("a client that %s is closed, and holds nothing", async (_what, bytes) => {
    const before = await connectionsOpen();
    const socket = await dial(rig.proxy.proxyPort);
    socket.resume();
    socket.write(bytes);
    await Promise.race([once(socket, "end"), once(socket, "close")]);
    socket.destroy();
    await until(async () => (await connectionsOpen()) <= before);
  });

  test("TLS inside TLS is refused with an alert", async () => {
    const answer = await exchange(rig.proxy.proxyPort, Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]), { dial: dialTls });
    expect([...answer]).toEqual([0x15, 3, 3, 0, 2, 2, 0x28]);
  });

  test("early data, half-closes and servers that speak first work as without TLS", async () => {
    const target = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      socket.write("first;");
      const got: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => got.push(chunk));
      socket.on("end", () => socket.end(`got ${Buffer.concat(got).toString()}`));
    });
    const port = await listenOn(target);
    const answer = await exchange(rig.proxy.proxyPort, `${connectHead(port)}early`, { half: true, dial: dialTls });
    expect(readAnswer(answer)).toMatchObject({ status: 200, body: "first;got early" });
    target.close();
  });

  /** Sends `bytes` inside TLS, runs `onData` at the first answer, and tells how the connection ended. */
  async function endOf(bytes: string, onData: () => void = () => undefined): Promise<"end" | "reset"> {
    const socket = await dialTls(rig.proxy.proxyPort);
    let hasFailed = false;
    socket.on("error", (cause) => (hasFailed = "code" in cause && cause.code === "ECONNRESET"));
    socket.once("data", onData);
    socket.write(bytes);
    await new Promise((resolve) => {
      socket.once("end", resolve);
      socket.once("close", resolve);
    });
    socket.destroy();
    return hasFailed ? "reset" : "end";
  }

  test("an answer that breaks off resets the connection", async () => {
    expect(await endOf(request("/cut"))).toBe("reset");
  });

  test("a tunnel whose node is lost resets the connection", async () => {
    const node = await rig.addNode({ place: { country: "KZ" } });
    const target = createServer((socket) => void socket.on("error", () => undefined).write("hello"));
    const head = connectHead(await listenOn(target), "-country-kz");
    expect(await endOf(head, () => node.close())).toBe("reset");
    target.close();
  });

  test("a reader that stalls stops the target, and loses nothing when it goes on", async () => {
    const block = Buffer.alloc(65_536, "karvon");
    let sentBytes = 0;
    const target = createServer((socket) => {
      socket.on("error", () => undefined);
      const write = (): void => {
        sentBytes += block.length;
        socket.write(block, (failed) => (failed ? undefined : write()));
      };
      write();
    });
    const socket = await dialTls(rig.proxy.proxyPort);
    socket.write(connectHead(await listenOn(target)));
    await once(socket, "readable");
    let last = -1;
    // Nothing sent between two looks: everything between target and client is full.
    await until(
      () => {
        const hasStopped = sentBytes === last;
        last = sentBytes;
        return hasStopped;
      },
      { everyMs: 200, timeoutMs: 20_000 },
    );
    const stalledAt = sentBytes;
    expect(stalledAt).toBeLessThan(64_000_000);
    const head = await once(socket, "data");
    expect(head).toHaveLength(1);
    await until(() => sentBytes > stalledAt + 1_000_000);
    socket.destroy();
    target.close();
  });

  test("a PROXY header from a trusted address comes before the handshake and names the client", async () => {
    const who = await rig.makeLogin();
    const socket = await dial(rig.proxy.proxyPort);
    const ends = { sourceAddress: "198.51.100.201", sourcePort: 5_000, destinationAddress: "127.0.0.1", destinationPort: 7_000 };
    socket.write(writeProxyHeaderV1(ends));
    const inside = connectTls({ socket, rejectUnauthorized: false });
    inside.on("error", () => undefined);
    inside.write(`CONNECT 127.0.0.1:${rig.origin.port} HTTP/1.1\r\nHost: x\r\n${basic(who.username, who.password)}\r\n`);
    await once(inside, "data");
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query("SELECT client_address FROM proxy_session WHERE proxy_user_id = $1", [who.proxyUserId]);
    expect(rows).toEqual([{ client_address: "198.51.100.201" }]);
    inside.destroy();
  });

  test("hellos that were injured on the way end their own connection only", async () => {
    const hello = await recordHello();
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48_271) % 0x7fff_ffff) % below;
    const faults = /^karvon_faults_total 0$/m;
    for (let batch = 0; batch < 6; batch += 1) {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => dial(rig.proxy.proxyPort)));
      for (const socket of sockets) {
        const bytes = Buffer.from(hello.subarray(0, random(3) === 0 ? random(hello.length) + 1 : hello.length));
        for (let times = random(6); times > 0; times -= 1) bytes[random(bytes.length)] = random(256);
        bytes[0] = 0x16;
        socket.resume();
        socket.write(bytes);
      }
      const isOver = (socket: Socket): boolean => socket.destroyed || socket.readableEnded;
      await until(() => sockets.every(isOver));
      for (const socket of sockets) socket.destroy();
    }
    expect(await rig.metrics()).toMatch(faults);
    expect(readAnswer(await exchange(rig.proxy.proxyPort, request("/"), { dial: dialTls })).status).toBe(200);
  });

  test("a new certificate is used without a restart, and a broken one changes nothing", async () => {
    const shown = async (): Promise<string | undefined> => {
      const socket = await dialTls(rig.proxy.proxyPort);
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const [first, second] = [testCertPem, secondCertPem].map((pem) => new X509Certificate(pem).fingerprint256);
    expect(await shown()).toBe(first);
    pair = { certPem: secondCertPem, keyPem: secondKeyPem };
    await until(async () => (await shown()) === second);
    pair = { certPem: testCertPem, keyPem: secondKeyPem };
    await until(() => rig.logLines.some((line) => line["event"] === "gateway.certificate-not-renewed"));
    expect(await shown()).toBe(second);
    pair = firstPair;
    await until(async () => (await shown()) === first);
  });
});

describe("other ports", () => {
  test("an alias speaks everything that the main port speaks", async () => {
    expect(readAnswer(await exchange(aliasPort, request("/"))).status).toBe(200);
    expect(readAnswer(await exchange(aliasPort, request("/"), { dial: dialTls })).status).toBe(200);
    expect(await socksConnect(aliasPort, login, { host: "127.0.0.1", port: rig.origin.port })).toBe("00");
    const exits = new Set<string | undefined>();
    for (let tries = 0; tries < 20; tries += 1) exits.add(await exitOn(aliasPort));
    expect(exits.size).toBeGreaterThan(1);
  });

  test("a sticky port keeps one exit for a proxy user, over every protocol", async () => {
    const first = readAnswer(await exchange(stickyPort, request("/")));
    expect(first.headers["x-px-session"]).toBe(`port:${stickyPort}`);
    const exits = new Set([first.headers["x-px-exit-ip"]]);
    for (let tries = 0; tries < 8; tries += 1) exits.add(await exitOn(stickyPort));
    exits.add(readAnswer(await exchange(stickyPort, request("/"), { dial: dialTls })).headers["x-px-exit-ip"]);
    expect(exits.size).toBe(1);
    expect(await socksConnect(stickyPort, login, { host: "127.0.0.1", port: rig.origin.port })).toBe("00");
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query(
      "SELECT DISTINCT exit_address, protocol::text FROM proxy_session WHERE proxy_user_id = $1 AND sticky_session = $2 ORDER BY protocol",
      [login.proxyUserId, `port:${stickyPort}`],
    );
    expect(rows).toEqual(["http", "socks5"].map((protocol) => ({ exit_address: [...exits][0], protocol })));
  });

  test("a session or rotate in the username wins over the port", async () => {
    const named = readAnswer(await exchange(stickyPort, request("/", "-session-mine")));
    expect(named.headers["x-px-session"]).toBe("mine");
    const exits = new Set<string | undefined>();
    for (let tries = 0; tries < 20; tries += 1) exits.add(await exitOn(stickyPort, "-rotate"));
    expect(exits.size).toBeGreaterThan(1);
  });

  test("another user on the same port and the same user on another port have sessions of their own", async () => {
    const other = await rig.makeLogin();
    const answer = readAnswer(
      await exchange(stickyPort + 1, `GET http://127.0.0.1:${rig.origin.port}/ HTTP/1.0\r\n${basic(other.username, other.password)}\r\n`),
    );
    expect(answer.headers["x-px-session"]).toBe(`port:${stickyPort + 1}`);
    expect(readAnswer(await exchange(stickyPort + 1, request("/"))).headers["x-px-session"]).toBe(`port:${stickyPort + 1}`);
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query("SELECT count(*)::int AS sessions FROM proxy_session WHERE sticky_session = $1", [
      `port:${stickyPort + 1}`,
    ]);
    expect(rows).toEqual([{ sessions: 2 }]);
  });

  test("a gateway that cannot have one of its ports starts with none", async () => {
    const main = await freePorts(1);
    const handlers = { onConnection: () => undefined, onFault: () => undefined };
    await expect(openClientPorts({ port: main, aliasPorts: [aliasPort] }, handlers)).rejects.toThrow(/EADDRINUSE/);
    await expect(dial(main)).rejects.toThrow(/ECONNREFUSED/);
  });
});
