/** Where no session may lead, asked for in every spelling and over every protocol, and nodes that go there all the same. */
import { openPorts } from "@karvon/domain";
import type { TunnelStream } from "@karvon/tunnel";
import { encodeFrame, encodeOpened, frameTypes } from "@karvon/wire";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { basic, exchange, readAnswer, socksConnect, socksLogin } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { connectTarget } from "./test/test-node.ts";

/** What an HTTP request, a CONNECT and a SOCKS5 request to the same place were answered. */
interface Answers {
  readonly http: string;
  readonly connect: string;
  readonly socks: string;
}

async function askEverywhere(rig: Rig, login: Login, host: string, port: number): Promise<Answers> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const auth = basic(login.username, login.password);
  const code = async (head: string): Promise<string> => {
    const { status, headers } = readAnswer(await exchange(rig.proxy.proxyPort, Buffer.from(head, "latin1"), { half: true }));
    return headers["x-error-code"] ?? `status ${status}`;
  };
  return {
    http: await code(`GET http://${authority}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${auth}\r\n`),
    connect: await code(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${auth}\r\n`),
    socks: await socksConnect(rig.proxy.proxyPort, login, { host, port }),
  };
}

describe("with loopback allowed, as demos have it,", () => {
  let rig: Rig;
  let login: Login;
  const asked: string[] = [];
  beforeAll(async () => {
    rig = await openRig();
    login = await rig.makeLogin();
    await rig.addNode({
      onOpen(stream, target) {
        asked.push(`${target.host}:${target.port}`);
        connectTarget(stream, target);
      },
    });
  });
  afterAll(() => rig.close());

  test.each([
    ["proxy", () => rig.proxy.proxyPort],
    ["tunnel", () => rig.proxy.tunnelPort],
    ["ops", () => rig.proxy.opsPort],
    ["database's", () => Number(new URL(rig.databaseUrl).port)],
  ])("the gateway's own %s port is refused on every address of loopback", async (_name, port) => {
    asked.length = 0;
    for (const host of ["127.0.0.1", "127.0.0.2", "127.255.255.254"]) {
      expect(await askEverywhere(rig, login, host, port())).toEqual({ http: "private_address", connect: "private_address", socks: "02" });
    }
    expect(asked).toEqual([]);
  });

  test("other ports are reached", async () => {
    expect(await askEverywhere(rig, login, "127.0.0.1", rig.origin.port)).toEqual({
      http: "status 200",
      connect: "status 200",
      socks: "00",
    });
  });
});

describe("without allowances", () => {
  let rig: Rig;
  let login: Login;
  let canary: Server;
  let hits = 0;
  let asked: string[] = [];
  let onOpen: (stream: TunnelStream) => void;

  beforeAll(async () => {
    rig = await openRig({ egressAllow: [] });
    login = await rig.makeLogin();
    canary = createServer((_request, response) => response.end("secret")).on("connection", () => (hits += 1));
    await new Promise<void>((resolve) => canary.listen(0, resolve));
    const address = canary.address();
    const canaryPort = typeof address === "object" && address !== null ? address.port : 0;
    // A node that obeys nothing: whatever it is asked for, it goes to the canary.
    onOpen = (stream) => connectTarget(stream, { host: "127.0.0.1", port: canaryPort });
    await rig.addNode({
      onOpen(stream, target) {
        asked.push(`${target.host}:${target.port}`);
        onOpen(stream);
      },
    });
  });
  beforeEach(() => {
    asked = [];
    hits = 0;
  });
  afterAll(async () => {
    await rig.close();
    canary.closeAllConnections();
    canary.close();
  });

  // Octal, hexadecimal, decimal, short, mapped, compatible, NAT64, 6to4, Teredo, zones, dots, case and full-width digits.
  const spellings = [
    ..."127.0.0.1 127.1 127.0.1 0177.0.0.1 0x7f.0.0.1 0x7f000001 2130706433 017700000001 0x7f.1 127.0.0.1. 127.000.000.001".split(" "),
    ..."0.0.0.0 0 10.0.0.1 172.16.0.1 192.168.0.1 192.168.1 100.64.0.1 169.254.169.254 169.254.43518 0xa9fea9fe 2852039166".split(" "),
    ..."::1 0:0:0:0:0:0:0:1 :: ::ffff:127.0.0.1 ::ffff:7f00:1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1::".split(" "),
    ..."2001:0:7f00:1:: fe80::1 fe80::1%25lo fc00::1 fd00:ec2::254 ff02::1 localhost LOCALHOST localhost. a.localhost".split(" "),
    ..."metadata.google.internal METADATA.google.internal. instance-data.ec2.internal router.lan printer.local intranet".split(" "),
    ..."１２７.0.0.1 ①②⑦.0.0.1 127。0。0。1".split(" "),
  ];
  test(`${spellings.length} spellings of private places reach nothing over any protocol`, async () => {
    const refusals = new Set(["private_address", "bad_request", "02", "07", "08"]);
    const wrong: string[] = [];
    for (const host of spellings) {
      const answers = await askEverywhere(rig, login, host, 80);
      for (const [protocol, answer] of Object.entries(answers))
        if (!refusals.has(answer)) wrong.push(`${host} over ${protocol}: ${answer}`);
    }
    expect(wrong).toEqual([]);
    expect({ hits, asked }).toEqual({ hits: 0, asked: [] });
  });

  test("binary SOCKS5 addresses are judged as well", async () => {
    const login5 = Buffer.concat([Buffer.from([5, 1, 2]), socksLogin(login)]);
    const mapped = [...Buffer.alloc(10), 0xff, 0xff, 127, 0, 0, 1];
    for (const address of [
      [1, 127, 0, 0, 1],
      [1, 169, 254, 169, 254],
      [1, 0, 0, 0, 0],
      [4, ...mapped],
      [4, ...Buffer.alloc(15), 1],
    ]) {
      const reply = await exchange(rig.proxy.proxyPort, Buffer.concat([login5, Buffer.from([5, 1, 0, ...address, 0, 80])]));
      expect([...reply.subarray(0, 6)]).toEqual([5, 2, 1, 0, 5, 2]);
    }
    expect(asked).toEqual([]);
  });

  test("a name opens four ports and no other, on every protocol", async () => {
    // Neighbours of the open ones, the abused ones, and the ends of the range; the policy's own test looks at all of them.
    const ports = [1, 21, 22, 23, 25, 53, 79, 80, 81, 110, 442, 443, 444, 445, 465, 587, 993, 1080, 3128, 3306, 3389, 5432, 5555];
    for (const port of [...ports, 6379, 8079, 8080, 8081, 8442, 8443, 8444, 9200, 27017, 65_535]) {
      asked = [];
      onOpen = (stream) => stream.reset("refused");
      const isOpen = openPorts.has(port);
      expect([port, await askEverywhere(rig, login, "shop.example", port)]).toEqual([
        port,
        isOpen
          ? { http: "connect_refused", connect: "connect_refused", socks: "05" }
          : { http: "port_blocked", connect: "port_blocked", socks: "02" },
      ]);
      expect(asked).toHaveLength(isOpen ? 3 : 0);
    }
  });

  const hidden = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "::ffff:10.0.0.1",
  ];
  test.each(hidden)("a node that followed a name to %s is shut out before its first byte", async (address) => {
    const secret = "secret of the inner network";
    const liar = await rig.addNode({
      place: { country: "KZ" },
      onOpen(stream) {
        // Both in one write: the answer is already there when the address is judged.
        const opened = encodeFrame(frameTypes.opened, stream.id, encodeOpened({ window: 65_536, connectMs: 1, address }));
        liar.socket.write(
          Buffer.concat([opened, encodeFrame(frameTypes.data, stream.id, Buffer.from(`HTTP/1.1 200 OK\r\n\r\n${secret}`))]),
        );
      },
    });
    const auth = basic(`${login.username}-country-kz`, login.password);
    const isTunnel = hidden.indexOf(address) % 2 === 0;
    const head = isTunnel ? "CONNECT shop.example:443 HTTP/1.1" : "GET http://shop.example/ HTTP/1.1";
    const answer = await exchange(rig.proxy.proxyPort, `${head}\r\nHost: x\r\nConnection: close\r\n${auth}\r\n`);
    expect(readAnswer(answer).headers["x-error-code"]).toBe("private_address");
    expect(answer.toString()).not.toContain(secret);
    await liar.closed;
    expect((await rig.redial(liar)).verdict).toMatchObject({ type: "refused", payload: { code: "node_suspended" } });
  });

  test("a node that went to another public address for a literal is shut out as well", async () => {
    const liar = await rig.addNode({
      place: { country: "KZ" },
      onOpen: (stream) => stream.opened({ address: "9.9.9.9", family: 4, connectMs: 1 }),
    });
    const auth = basic(`${login.username}-country-kz`, login.password);
    const answer = await exchange(rig.proxy.proxyPort, `CONNECT 8.8.8.8:443 HTTP/1.1\r\nHost: x\r\n${auth}\r\n`);
    expect(readAnswer(answer).headers["x-error-code"]).toBe("node_connect_failed");
    await liar.closed;
    expect((await rig.redial(liar)).verdict).toMatchObject({ type: "refused", payload: { code: "node_suspended" } });
  });
});
