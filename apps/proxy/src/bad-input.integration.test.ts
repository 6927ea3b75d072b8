import { PROXY_ERRORS, type ProxyErrorCode } from "@karvon/domain";
import { until } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "./test/free-port.ts";
import { basic, dial, exchange, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

let rig: Rig;
let login: Login;
let deadPort = 0;

beforeAll(async () => {
  rig = await openRig({ flushIntervalMs: 60_000 });
  login = await rig.makeLogin();
  await rig.addNode();
  deadPort = await freePort();
});
afterAll(() => rig.close());

interface Case {
  readonly what: string;
  readonly code: ProxyErrorCode;
  readonly socks: string;
  readonly suffix?: string;
  readonly password?: string;
  readonly host?: string;
  readonly port?: () => number;
  readonly detail?: string;
  readonly login?: () => Promise<Login>;
}

const cases: readonly Case[] = [
  { what: "a wrong password", code: "auth_failed", socks: "A", password: "pxkWRONGWRONGWRONGWRONGWRON" },
  { what: "an unknown user", code: "auth_failed", socks: "A", login: async () => ({ ...login, username: "nobodyhere" }) },
  { what: "an unknown key", code: "bad_username", socks: "A", suffix: "-contry-uz", detail: "contry" },
  { what: "an empty value", code: "bad_username", socks: "A", suffix: "-country-", detail: "country" },
  { what: "an unknown country", code: "bad_username", socks: "A", suffix: "-country-zz", detail: "zz" },
  { what: "a key given twice", code: "bad_username", socks: "A", suffix: "-cc-uz-country-kz", detail: "twice" },
  { what: "a country without a node", code: "no_exit", socks: "03", suffix: "-country-is", detail: "country IS left 0" },
  { what: "a type without a node", code: "no_exit", socks: "03", suffix: "-country-uz-type-mobile", detail: "type mobile left 0" },
  { what: "no balance", code: "balance_exhausted", socks: "A", login: () => rig.makeLogin({ bytes: 0n }) },
  { what: "a private address by number", code: "private_address", socks: "02", host: "10.0.0.1", port: () => 80 },
  { what: "a private address in octal", code: "private_address", socks: "02", host: "0177.0.0.1", port: () => 80 },
  { what: "a metadata address", code: "private_address", socks: "02", host: "169.254.169.254", port: () => 80 },
  { what: "localhost", code: "private_address", socks: "02", host: "localhost", port: () => 80 },
  { what: "a mail port", code: "port_blocked", socks: "02", host: "example.com", port: () => 25, detail: "submission service outside" },
  { what: "the ADB port", code: "port_blocked", socks: "02", host: "example.com", port: () => 5555, detail: "never carried" },
  { what: "a port that is not open", code: "port_blocked", socks: "02", host: "example.com", port: () => 9999, detail: "ask for it" },
  { what: "a dead target", code: "connect_refused", socks: "05", port: () => deadPort },
  {
    what: "a name that does not resolve",
    code: "dns_error",
    socks: "04",
    host: "no-such-name.example.invalid-tld-karvon.com",
    port: () => 80,
  },
];

async function present(one: Case): Promise<{ username: string; password: string; host: string; port: number }> {
  const who = (await one.login?.()) ?? login;
  return {
    username: `${who.username}${one.suffix ?? ""}`,
    password: one.password ?? who.password,
    host: one.host ?? "127.0.0.1",
    port: one.port?.() ?? rig.origin.port,
  };
}

const refusedCount = (code: string): Promise<number> => rig.metric(`karvon_refusals_total{code="${code}"}`);

function expectRefusal(bytes: Buffer, one: Case, isHttp: boolean): void {
  const { status, headers, body } = readAnswer(bytes);
  const facts = PROXY_ERRORS[one.code];
  expect({ status, code: headers["x-error-code"] }).toEqual({ status: facts.http, code: one.code });
  expect(headers["proxy-status"]).toContain(`error=${facts.rfc9209}`);
  expect(headers["connection"]).toBe("close");
  if (facts.http === 407) expect(headers["proxy-authenticate"]).toMatch(/^Basic realm=/);
  if (facts.retry === "wait") expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  const json: unknown = JSON.parse(body);
  expect(json).toMatchObject({
    code: one.code,
    message: facts.message,
    action: facts.action,
    billed: false,
    retryable: facts.retry !== "no",
    requestId: headers["x-px-request-id"],
  });
  if (one.detail !== undefined) expect(body).toContain(one.detail);
  expect(isHttp).toBeTypeOf("boolean");
}

describe.each(cases)("$what", (one) => {
  test(`is ${one.code} over HTTP, CONNECT and SOCKS5, in the log and in the metrics`, async () => {
    const before = await refusedCount(one.code);
    const { username, password, host, port } = await present(one);
    const authority = `${host}:${port}`;
    expectRefusal(
      await exchange(rig.proxy.proxyPort, `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n${basic(username, password)}\r\n`),
      one,
      true,
    );
    expectRefusal(
      await exchange(rig.proxy.proxyPort, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basic(username, password)}\r\n`),
      one,
      false,
    );
    expect(await socksConnect(rig.proxy.proxyPort, { username, password }, { host, port })).toBe(one.socks);
    expect(await refusedCount(one.code)).toBe(before + 3);
    const lines = rig.logLines.filter((line) => line["event"] === "session.refused" && line["code"] === one.code);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(lines)).not.toContain(password);
  });
});

describe("what is not a request", () => {
  const auth = (): string => basic(login.username, login.password);
  test.each<[string, () => string | Buffer, ProxyErrorCode, boolean]>([
    ["no credentials", () => "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", "auth_missing", false],
    [
      "credentials that are not Basic",
      () => "GET http://example.com/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Bearer x\r\n\r\n",
      "auth_failed",
      false,
    ],
    ["a path only", () => `GET / HTTP/1.1\r\nHost: example.com\r\n${auth()}\r\n`, "no_destination", false],
    ["an https URL", () => `GET https://example.com/ HTTP/1.1\r\nHost: example.com\r\n${auth()}\r\n`, "bad_request", false],
    ["two Host lines", () => `GET http://example.com/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n${auth()}\r\n`, "bad_request", false],
    [
      "both framings",
      () => `POST http://example.com/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${auth()}\r\n0\r\n\r\n`,
      "bad_request",
      false,
    ],
    ["CONNECT without a port", () => `CONNECT example.com HTTP/1.1\r\nHost: example.com\r\n${auth()}\r\n`, "bad_request", false],
    [
      "CONNECT with a body",
      () => `CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n${auth()}\r\nabc`,
      "bad_request",
      false,
    ],
    ["binary noise", () => Buffer.from([0x00, 0xff, 0x80, 0x0d, 0x0a]), "bad_request", false],
    ["a head of 20 KiB", () => `GET http://example.com/ HTTP/1.1\r\nx: ${"y".repeat(20_000)}`, "bad_request", false],
    ["half a request", () => "GET http://exam", "bad_request", true],
    [
      "half a body",
      () => `POST http://127.0.0.1:${rig.origin.port}/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n${auth()}\r\nhalf`,
      "bad_request",
      true,
    ],
    [
      "a chunk size that is none",
      () =>
        `POST http://127.0.0.1:${rig.origin.port}/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${auth()}\r\n7fffffffffffffff\r\n`,
      "bad_request",
      false,
    ],
  ])("%s", async (_what, bytes, code, half) => {
    const { status, headers } = readAnswer(await exchange(rig.proxy.proxyPort, bytes(), { half }));
    expect({ status, code: headers["x-error-code"] }).toEqual({ status: PROXY_ERRORS[code].http, code });
  });

  test("SOCKS5 without a login is FF, BIND and UDP are 07, an unknown address type is 08", async () => {
    const { proxyPort } = rig.proxy;
    expect(await socksConnect(proxyPort, null, { host: "example.com", port: 80 })).toBe("FF");
    expect(await socksConnect(proxyPort, login, { host: "example.com", port: 80, command: 2 })).toBe("07");
    expect(await socksConnect(proxyPort, login, { host: "example.com", port: 80, command: 3 })).toBe("07");
    expect(await socksConnect(proxyPort, login, { host: "example.com", port: 80, type: 9 })).toBe("08");
  });

  test("SOCKS4 is refused in its own words", async () => {
    const socks4 = await exchange(rig.proxy.proxyPort, Buffer.from([4, 1, 0, 80, 1, 2, 3, 4, 0]));
    expect([...socks4.subarray(0, 2)]).toEqual([0, 0x5b]);
    expect(socks4.toString("latin1")).toContain("SOCKS5");
  });

  test("OPTIONS * is answered here", async () => {
    expect(readAnswer(await exchange(rig.proxy.proxyPort, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")).status).toBe(204);
  });
});

describe("targets that misbehave", () => {
  const get = (path: string): string =>
    `GET http://127.0.0.1:${rig.origin.port}${path} HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`;

  test("closing without an answer is target_reset and is not billed", async () => {
    const { status, headers, body } = readAnswer(await exchange(rig.proxy.proxyPort, get("/vanish")));
    expect({ status, code: headers["x-error-code"] }).toEqual({ status: 502, code: "target_reset" });
    expect(JSON.parse(body)).toMatchObject({ billed: false });
    await rig.proxy.flushNow();
    const { rows } = await rig.fixtures.pool.query("SELECT id FROM proxy_session WHERE id = $1", [headers["x-px-request-id"]]);
    expect(rows).toEqual([]);
  });

  test("an answer that breaks off breaks the client's connection off", async () => {
    const socket = await dial(rig.proxy.proxyPort);
    const got: Buffer[] = [];
    let hasEnded = false;
    socket.on("data", (chunk: Buffer) => got.push(chunk));
    socket.on("end", () => (hasEnded = true));
    socket.write(get("/cut"));
    await until(() => socket.closed || socket.destroyed);
    expect(readAnswer(Buffer.concat(got))).toMatchObject({ status: 200, body: "x".repeat(10) });
    expect(hasEnded).toBe(false);
  });
});

test("refusals can be read under their request id within seconds", async () => {
  const { headers } = readAnswer(
    await exchange(rig.proxy.proxyPort, `CONNECT example.com:25 HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`),
  );
  const row = await until(async () => {
    const { rows } = await rig.fixtures.pool.query("SELECT * FROM proxy_refusal WHERE id = $1", [headers["x-px-request-id"]]);
    return rows[0] ?? null;
  });
  expect(row).toMatchObject({
    code: "port_blocked",
    client_id: login.clientId,
    target_host: "example.com",
    target_port: 25,
    protocol: "connect",
  });
});

test("guessing is slowed by source, and whoever succeeded there before still gets in", async () => {
  const guess = async (): Promise<string> => {
    const bytes = await exchange(rig.proxy.proxyPort, `CONNECT example.com:25 HTTP/1.1\r\nHost: x\r\n${basic("guesser1", "pxkwrong")}\r\n`);
    return readAnswer(bytes).headers["x-error-code"] ?? "";
  };
  const answers: string[] = [];
  for (let i = 0; i < 14; i += 1) answers.push(await guess());
  expect(answers.filter((code) => code === "auth_failed").length).toBeLessThanOrEqual(10);
  expect(answers.at(-1)).toBe("rate_limited");
  const good = readAnswer(
    await exchange(rig.proxy.proxyPort, `CONNECT example.com:25 HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`),
  );
  expect(good.headers["x-error-code"]).toBe("port_blocked");
});

describe("a head that cannot be read is refused under its request id", () => {
  const auth = (): string => basic(login.username, login.password);
  const malformed = "GET http://example.com/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n";
  test.each([
    ["and its user when the credentials are right", () => `${malformed}${auth()}\r\n`, () => login.clientId],
    ["and its user when the head ends early", () => `${malformed.slice(0, -9)}${auth()}x`, () => login.clientId],
    ["and no user when they are wrong", () => `${malformed}${basic(login.username, "pxkWRONG")}\r\n`, () => null],
    ["and no user when there are none", () => `${malformed}\r\n`, () => null],
  ])("%s", async (_what, bytes, clientId) => {
    const { status, headers } = readAnswer(await exchange(rig.proxy.proxyPort, bytes(), { half: true }));
    expect([status, headers["x-error-code"]]).toEqual([400, "bad_request"]);
    const row = await until(async () => {
      const { rows } = await rig.fixtures.pool.query("SELECT client_id, code FROM proxy_refusal WHERE id = $1", [
        headers["x-px-request-id"],
      ]);
      return rows[0] ?? null;
    });
    expect(row).toEqual({ client_id: clientId(), code: "bad_request" });
  });
});
