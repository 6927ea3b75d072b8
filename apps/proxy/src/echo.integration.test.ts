import { until } from "@karvon/testkit";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tenMegabytes } from "./test/origin.ts";
import { basic, dial, dialTls, exchange, type HttpAnswer, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import { runCurl } from "./test/run-curl.ts";

let rig: Rig;
let login: Login;

beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  const places = [
    { country: "UZ", region: "Tashkent", city: "Tashkent", asn: 8193, asnName: "Uzbektelekom" },
    { country: "DE", region: "Bavaria", city: "Munich", asn: 3320, asnName: "Deutsche Telekom" },
  ];
  for (const place of places) for (let count = 0; count < 3; count += 1) await rig.addNode({ place });
});
afterAll(() => rig.close());

const credentials = (suffix: string, who = login): string => basic(`${who.username}${suffix}`, who.password);

async function echo(suffix = "", request = "GET http://echo.karvon/", who = login): Promise<HttpAnswer> {
  return readAnswer(await exchange(rig.proxy.proxyPort, `${request} HTTP/1.1\r\nHost: echo.karvon\r\n${credentials(suffix, who)}\r\n`));
}

async function sessionRows(who = login): Promise<number> {
  await rig.proxy.flushNow();
  const { rows } = await rig.fixtures.pool.query("SELECT count(*)::int AS count FROM proxy_session WHERE proxy_user_id = $1", [
    who.proxyUserId,
  ]);
  return Number(rows[0]?.count);
}

describe("http://echo.karvon/", () => {
  test("tells address, place, network, type and request id of an exit that satisfies the ask", async () => {
    const { status, headers, body } = await echo("-country-de");
    expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json" });
    expect(JSON.parse(body)).toEqual({
      ip: headers["x-px-exit-ip"],
      country: "DE",
      state: "Bavaria",
      city: "Munich",
      asn: 3320,
      asnName: "Deutsche Telekom",
      type: "residential",
      session: null,
      proxyUser: { name: login.username, bytes: expect.any(Number) },
      requestId: headers["x-px-request-id"],
    });
    expect(headers).toMatchObject({ "x-px-country": "DE", "x-px-city": "Munich", "x-px-asn": "3320", "x-px-type": "residential" });
  });

  test("answers curl over absolute-form, CONNECT and SOCKS5, with the same facts", async () => {
    const proxy = `${login.username}-country-uz-session-three:${login.password}@127.0.0.1:${rig.proxy.proxyPort}`;
    const ways = [
      ["--proxy", `http://${proxy}`],
      ["--proxytunnel", "--proxy", `http://${proxy}`],
      ["--proxy", `socks5h://${proxy}`],
    ];
    const exits: string[] = [];
    for (const way of ways) {
      const { exitCode, status, body } = await runCurl([...way, "http://echo.karvon/"]);
      expect([exitCode, status]).toEqual([0, 200]);
      const facts = JSON.parse(body.toString());
      expect(facts).toMatchObject({ country: "UZ", session: { name: "three", isExitChanged: false } });
      exits.push(facts.ip);
    }
    expect(new Set(exits).size).toBe(1);
  });

  test("keeps a session on the exit that it told, with its end and its bytes so far", async () => {
    const first = JSON.parse((await echo("-session-kept-ttl-5m")).body);
    const authority = `127.0.0.1:${rig.origin.port}`;
    const page = await exchange(
      rig.proxy.proxyPort,
      `GET http://${authority}/10mb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${credentials("-session-kept-ttl-5m")}\r\n`,
    );
    expect(readAnswer(page).headers["x-px-exit-ip"]).toBe(first.ip);
    const later = JSON.parse((await echo("-session-kept-ttl-5m")).body);
    expect(later).toMatchObject({ ip: first.ip, session: { name: "kept", expiresAt: first.session.expiresAt } });
    expect(first.session.bytes).toBe(0);
    expect(later.session.bytes).toBeGreaterThan(tenMegabytes.length);
    expect(later.proxyUser.bytes - first.proxyUser.bytes).toBeGreaterThan(tenMegabytes.length);
    expect(Date.parse(later.session.expiresAt) - Date.now()).toBeLessThanOrEqual(300_000);
  });

  test("counts what an open connection of the session has carried so far", async () => {
    const socket = await dial(rig.proxy.proxyPort);
    socket.resume();
    socket.write(`CONNECT 127.0.0.1:${rig.origin.port} HTTP/1.1\r\nHost: x\r\n${credentials("-session-open")}\r\n`);
    await once(socket, "data");
    socket.write("GET /10mb HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(async () => JSON.parse((await echo("-session-open")).body).session.bytes > tenMegabytes.length);
    socket.destroy();
  });

  test("makes a hard session's exit known: without its node it is lost, never another", async () => {
    const node = await rig.addNode({ place: { country: "KZ" } });
    expect((await echo("-country-kz-hardsession-h1")).status).toBe(200);
    node.close();
    await until(async () => (await echo("-country-kz")).headers["x-error-code"] === "no_exit");
    await rig.addNode({ place: { country: "KZ" } });
    expect((await echo("-country-kz-hardsession-h1")).headers["x-error-code"]).toBe("session_lost");
  });

  test("bills nothing, opens no session and holds no address of a group", async () => {
    const who = await rig.makeLogin();
    for (let count = 0; count < 10; count += 1) expect((await echo("-uniq-g", undefined, who)).status).toBe(200);
    expect(await sessionRows(who)).toBe(0);
    expect(JSON.parse((await echo("", undefined, who)).body).proxyUser).toEqual({ name: who.username, bytes: 0 });
    expect(await rig.metrics()).toMatch(/^karvon_sessions_open 0$/m);
  });

  test("answers several requests in one tunnel, HEAD without a body, and a request that came early", async () => {
    const inner = "GET / HTTP/1.1\r\nHost: echo.karvon\r\n\r\n";
    const last = "HEAD / HTTP/1.1\r\nHost: echo.karvon\r\nConnection: close\r\n\r\n";
    for (const dialWith of [dial, dialTls]) {
      const head = `CONNECT Echo.Karvon:80 HTTP/1.1\r\nHost: x\r\n${credentials("")}\r\n`;
      const text = (await exchange(rig.proxy.proxyPort, head + inner + inner + last, { dial: dialWith })).toString();
      expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
      expect(text.match(/"requestId"/g)).toHaveLength(2);
      expect(text.trimEnd()).toMatch(/Connection: close$/);
    }
  });

  test("ends a tunnel that speaks no HTTP", async () => {
    const head = `CONNECT echo.karvon:80 HTTP/1.1\r\nHost: x\r\n${credentials("")}\r\n`;
    const answer = (await exchange(rig.proxy.proxyPort, `${head}\x16\x03\x01nonsense\r\n\r\n`)).toString("latin1");
    expect(answer).toMatch(/^HTTP\/1\.1 200 Connection Established/);
    expect(answer).not.toContain("HTTP/1.1 200 OK");
  });

  test("is refused like any target: wrong secret, no node, another port", async () => {
    expect((await echo("", undefined, { ...login, password: "pxkWRONG" })).headers["x-error-code"]).toBe("auth_failed");
    expect((await echo("-country-is")).headers["x-error-code"]).toBe("no_exit");
    expect((await echo("", "GET http://echo.karvon:8080/")).headers["x-error-code"]).toBe("port_blocked");
    expect((await echo("", "CONNECT echo.karvon:443")).headers["x-error-code"]).toBe("port_blocked");
    expect(await socksConnect(rig.proxy.proxyPort, login, { host: "echo.karvon", port: 443 })).toBe("02");
    expect(await socksConnect(rig.proxy.proxyPort, login, { host: "echo.karvon", port: 80 })).toBe("00");
  });

  test("no other name of its domain is ever resolved", async () => {
    expect((await echo("", "GET http://other.karvon/")).headers["x-error-code"]).toBe("private_address");
    expect((await echo("", "GET http://x.echo.karvon/")).headers["x-error-code"]).toBe("private_address");
  });
});
