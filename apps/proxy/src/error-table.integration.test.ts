/** Every refusal that a program can be given once it has a login: its status, its fields, its SOCKS5 reply and its row. */
import { PROXY_ERRORS, type ProxyErrorCode, type ProxyRefusalFacts } from "@karvon/domain";
import type { RstName } from "@karvon/tunnel";
import { until } from "@karvon/testkit";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { basic, dial, exchange, type HttpAnswer, readAnswer, socksConnect, socksLogin } from "./test/raw-client.ts";
import { type Login, openRig, type Rig, type RigOptions } from "./test/rig.ts";
import { connectTarget } from "./test/test-node.ts";

let rig: Rig;
let login: Login;
let target: Server;
let targetPort = 0;

/** Countries whose one node answers every opening in its own way. */
const nodesThatRefuse: Readonly<Record<string, RstName>> = {
  AT: "dns",
  BE: "dnsTimeout",
  CH: "timeout",
  DK: "unreachable",
  ES: "noIpv6",
  FI: "targetReset",
  FR: "refused",
  GR: "busy",
  HU: "policy",
};

beforeAll(async () => {
  // No flush meanwhile: a session that a flush has named is billed although it failed.
  rig = await openRig({ timeouts: { responseMs: 300 }, flushIntervalMs: 60_000 });
  login = await rig.makeLogin();
  await rig.addNode();
  for (const [country, code] of Object.entries(nodesThatRefuse)) {
    await rig.addNode({ place: { country }, onOpen: (stream) => stream.reset(code) });
  }
  target = createServer((socket) => void socket.on("error", () => undefined).resume());
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  targetPort = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(async () => {
  target.close();
  await rig.close();
});

async function change(table: "client" | "proxy_user", set: string, id: string): Promise<void> {
  await rig.fixtures.pool.query(`UPDATE ${table} SET ${set} WHERE id = $1`, [id]);
}

/** The country of the one node that connects. */
const anywhere = "-country-uz";

interface Row {
  readonly code: ProxyErrorCode;
  readonly http: number;
  readonly error: string;
  /** A: RFC 1929 failure. */
  readonly socks: string;
  readonly retryAfter?: boolean;
  readonly suffix?: string;
  readonly authority?: string;
  readonly who?: () => Promise<Login>;
}

async function fresh(set: "client" | "proxy_user" | null, what = "", options: Parameters<Rig["makeLogin"]>[0] = {}): Promise<Login> {
  const who = await rig.makeLogin(options);
  if (set !== null) await change(set, what, set === "client" ? who.clientId : who.proxyUserId);
  return who;
}

/** A session without a node: it was served once, and then its node went. */
async function lostSession(): Promise<Login> {
  const node = await rig.addNode({ place: { country: "IT" } });
  const opened = await ask("GET", { suffix: "-country-it-hardsession-gone", authority: "echo.karvon:80" }, login);
  expect(opened.status).toBe(200);
  node.close();
  await until(async () => (await ask("GET", { suffix: "-country-it" }, login)).headers["x-error-code"] === "no_exit");
  return login;
}

async function oneSessionOpen(): Promise<Login> {
  const who = await fresh("proxy_user", "concurrency_max = 1");
  const held = await dial(rig.proxy.proxyPort);
  held.write(`CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n${basic(`${who.username}${anywhere}`, who.password)}\r\n`);
  await once(held, "data");
  return who;
}

async function blockedHost(): Promise<Login> {
  await rig.fixtures.pool.query(
    "INSERT INTO block_rule (id, kind, pattern, reason, created_by) VALUES ('blk_1', 'host', 'blocked.example', 'test', 'test')",
  );
  await rig.fixtures.pool.query("SELECT karvon_notify('block_rule', 'blk_1')");
  await until(async () => (await ask("CONNECT", { authority: "blocked.example:443" }, login)).headers["x-error-code"] === "target_blocked");
  return login;
}

const madeBy = [
  { code: "auth_failed", http: 407, error: "http_request_denied", socks: "A", who: async () => ({ ...login, password: "pxkWRONG" }) },
  { code: "user_disabled", http: 407, error: "http_request_denied", socks: "A", who: () => fresh("proxy_user", "status = 'disabled'") },
  { code: "account_suspended", http: 403, error: "http_request_denied", socks: "A", who: () => fresh("client", "status = 'suspended'") },
  {
    code: "source_ip_denied",
    http: 407,
    error: "http_request_denied",
    socks: "A",
    who: () => fresh("proxy_user", "allowed_sources = '{192.0.2.0/24}'"),
  },
  { code: "kyc_required", http: 403, error: "http_request_denied", socks: "A", who: () => fresh("client", "kyc_required = true") },
  { code: "balance_exhausted", http: 402, error: "http_request_denied", socks: "A", who: () => fresh(null, "", { bytes: 0n }) },
  {
    code: "limit_reached",
    http: 402,
    error: "http_request_denied",
    socks: "A",
    who: () => fresh("proxy_user", "used_bytes = 10", { trafficLimitBytes: 10n }),
  },
  { code: "bad_username", http: 400, error: "http_request_error", socks: "A", suffix: "-kountry-uz" },
  { code: "concurrency_limit", http: 429, error: "connection_limit_reached", socks: "01", retryAfter: true, who: oneSessionOpen },
  { code: "port_blocked", http: 403, error: "http_request_denied", socks: "02", authority: "example.com:25" },
  { code: "target_blocked", http: 403, error: "http_request_denied", socks: "02", authority: "blocked.example:443", who: blockedHost },
  {
    code: "host_not_allowed",
    http: 403,
    error: "http_request_denied",
    socks: "02",
    who: () => fresh("proxy_user", "allowed_hosts = '{example.com}'"),
  },
  {
    code: "country_not_offered",
    http: 403,
    error: "http_request_denied",
    socks: "02",
    suffix: "-country-at.be",
    who: () => fresh("client", "countries = '{UZ,DE}'"),
  },
  { code: "private_address", http: 403, error: "destination_ip_prohibited", socks: "02", authority: "192.168.1.1:80" },
  {
    code: "private_address",
    http: 403,
    error: "destination_ip_prohibited",
    socks: "02",
    suffix: "-country-hu",
    authority: "rebound.example:80",
  },
  { code: "no_exit", http: 503, error: "destination_unavailable", socks: "03", retryAfter: true, suffix: "-country-is" },
  {
    code: "session_lost",
    http: 502,
    error: "destination_unavailable",
    socks: "03",
    suffix: "-country-it-hardsession-gone",
    who: lostSession,
  },
  { code: "node_connect_failed", http: 504, error: "connection_timeout", socks: "01", suffix: "-country-gr" },
  { code: "dns_error", http: 502, error: "dns_error", socks: "04", suffix: "-country-at", authority: "nowhere.example:80" },
  { code: "dns_timeout", http: 502, error: "dns_timeout", socks: "04", suffix: "-country-be", authority: "nowhere.example:80" },
  { code: "connect_refused", http: 502, error: "connection_refused", socks: "05", suffix: "-country-fr" },
  { code: "connect_timeout", http: 504, error: "connection_timeout", socks: "06", suffix: "-country-ch" },
  { code: "target_unroutable", http: 502, error: "destination_ip_unroutable", socks: "03", suffix: "-country-dk" },
  { code: "no_ipv6", http: 502, error: "destination_ip_unroutable", socks: "03", suffix: "-country-es", authority: "six.example:80" },
  { code: "target_reset", http: 502, error: "connection_terminated", socks: "close", suffix: "-country-fi" },
] as const satisfies readonly Row[];
const rows: readonly Row[] = madeBy;

type Asked = Pick<Row, "suffix" | "authority">;

async function ask(
  method: "GET" | "CONNECT",
  { suffix = anywhere, authority = `127.0.0.1:${targetPort}` }: Asked,
  who: Login,
): Promise<HttpAnswer> {
  const line = method === "GET" ? `GET http://${authority}/` : `CONNECT ${authority}`;
  const head = `${line} HTTP/1.1\r\nHost: ${authority}\r\n${basic(`${who.username}${suffix}`, who.password)}\r\n`;
  return readAnswer(await exchange(rig.proxy.proxyPort, head));
}

function expectWhole({ status, headers, body }: HttpAnswer, row: Omit<Row, "socks">): void {
  expect({ status, code: headers["x-error-code"] }).toEqual({ status: row.http, code: row.code });
  expect(headers["proxy-status"]).toMatch(new RegExp(`^karvon; error=${row.error}; details="${row.code}: ([^"\\\\]|\\\\.)+"$`));
  expect(/^[1-9]\d*$/.test(headers["retry-after"] ?? "")).toBe(row.retryAfter === true);
  expect(headers["proxy-authenticate"] ?? "").toMatch(row.http === 407 ? /^Basic realm="/ : /^$/);
  const json: Record<string, unknown> = JSON.parse(body);
  expect(Object.keys(json).toSorted()).toEqual(["action", "billed", "code", "detail", "docs", "message", "requestId", "retryable"]);
  expect(json).toMatchObject({ code: row.code, billed: false, requestId: headers["x-px-request-id"], docs: `docs/errors.md#${row.code}` });
  expect(headers["x-px-request-id"]).toMatch(/^ses_/);
}

function refusalRow(requestId: string | undefined): Promise<Record<string, unknown>> {
  return until(async () => {
    const { rows: found } = await rig.fixtures.pool.query("SELECT * FROM proxy_refusal WHERE id = $1", [requestId]);
    return found[0] ?? null;
  });
}

/** Looked for when all are made: they are stored every two seconds. */
const told: { readonly id: string | undefined; readonly code: string; readonly whose: string | null }[] = [];

describe("a refusal", () => {
  test.each(rows)("$code is $http with $error over HTTP and CONNECT, and $socks over SOCKS5", async (row) => {
    const who = (await row.who?.()) ?? login;
    for (const method of ["GET", "CONNECT"] as const) {
      const answer = await ask(method, row, who);
      expectWhole(answer, row);
      told.push({ id: answer.headers["x-px-request-id"], code: row.code, whose: row.code === "auth_failed" ? null : who.clientId });
    }
    const [host = "", port] = (row.authority ?? `127.0.0.1:${targetPort}`).split(":");
    const credentials = { username: `${who.username}${row.suffix ?? anywhere}`, password: who.password };
    expect(await socksConnect(rig.proxy.proxyPort, credentials, { host, port: Number(port) })).toBe(row.socks);
  });

  test("response_timeout is 504 when the target stays silent", async () => {
    const answer = await ask("GET", {}, login);
    expectWhole(answer, { code: "response_timeout", http: 504, error: "http_response_timeout" });
    told.push({ id: answer.headers["x-px-request-id"], code: "response_timeout", whose: login.clientId });
  });

  test("is found under its request id by the client whom it concerns", async () => {
    for (const { id, code, whose } of told) expect(await refusalRow(id)).toMatchObject({ code, client_id: whose });
    const codes = new Set(rows.map((row) => row.code));
    await until(async () => {
      const { rows: overSocks } = await rig.fixtures.pool.query("SELECT DISTINCT code FROM proxy_refusal WHERE protocol = 'socks5'");
      return overSocks.length === codes.size;
    });
  });
});

/** What HTTP and SOCKS5 were answered; null where the code has no answer. */
interface Seen {
  readonly http: HttpAnswer | null;
  readonly socks: string | null;
}

const rigs: Rig[] = [];
afterEach(async () => {
  for (const one of rigs.splice(0)) await one.close();
});

async function openWith(options: RigOptions): Promise<{ other: Rig; who: Login; see: (who?: Login) => Promise<Seen> }> {
  const other = await openRig(options);
  rigs.push(other);
  await other.addNode({ onOpen: (stream) => connectTarget(stream, { host: "127.0.0.1", port: targetPort }) });
  const who = await other.makeLogin();
  const see = async (whose = who): Promise<Seen> => ({
    http: readAnswer(await exchange(other.proxy.proxyPort, named(whose))),
    socks: await socksConnect(other.proxy.proxyPort, whose, { host: "site.example", port: 80 }),
  });
  return { other, who, see };
}

/** To a target that is none of the operator's own, so that it counts under the limits of targets. */
const named = ({ username, password }: Login): string => `CONNECT site.example:80 HTTP/1.1\r\nHost: x\r\n${basic(username, password)}\r\n`;

async function hold(other: Rig, who: Login): Promise<void> {
  const held = await dial(other.proxy.proxyPort);
  held.write(named(who));
  await once(held, "data");
}

/** `draining` and `response_timeout` have tests of their own. */
type Special = Exclude<ProxyErrorCode, (typeof madeBy)[number]["code"] | "draining" | "response_timeout">;

/** The codes that no login and target can bring about, each brought about in its own way. */
const specials: Readonly<Record<Special, () => Promise<Seen>>> = {
  async auth_missing() {
    const answer = await exchange(rig.proxy.proxyPort, `CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return { http: readAnswer(answer), socks: await socksConnect(rig.proxy.proxyPort, null, { host: "127.0.0.1", port: targetPort }) };
  },
  async rate_limited() {
    const { other, see } = await openWith({ load: { newcomersPerSecond: 0.001, newcomersBurst: 1 } });
    const port = await dial(other.proxy.proxyPort);
    port.end("GET / HTTP/1.1\r\nHost: x\r\n\r\n").resume();
    await once(port, "close");
    return see();
  },
  async target_throttled() {
    const { other, who, see } = await openWith({ load: { targetSessionsMax: 1 } });
    await hold(other, who);
    return see();
  },
  async bad_request() {
    const answer = await exchange(rig.proxy.proxyPort, "BAD request\r\n\r\n");
    const socks = await socksConnect(rig.proxy.proxyPort, login, { host: "127.0.0.1", port: targetPort, command: 2 });
    return { http: readAnswer(answer), socks };
  },
  async no_destination() {
    const head = `GET / HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`;
    return { http: readAnswer(await exchange(rig.proxy.proxyPort, head)), socks: null };
  },
  async client_closed() {
    const silent = await rig.addNode({ place: { country: "NO" }, onOpen: () => undefined });
    const client = await dial(rig.proxy.proxyPort);
    client.write(`CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n${basic(`${login.username}-country-no`, login.password)}\r\n`);
    await until(() => silent.tunnel.openStreams === 1);
    client.resetAndDestroy();
    await until(async () => /^karvon_refusals_total{code="client_closed"} 1$/m.test(await rig.metrics()));
    return { http: null, socks: null };
  },
  async overloaded() {
    const { other, who, see } = await openWith({ load: { connectionsMax: 1 } });
    await hold(other, who);
    return see();
  },
  async journal_unavailable() {
    const { see } = await openWith({ journal: { mode: "turn", directory: "/dev/null" } });
    return see();
  },
  async internal() {
    const { other, see } = await openWith({});
    const unheard = await other.makeLogin();
    await other.fixtures.pool.query("ALTER TABLE proxy_user RENAME TO elsewhere");
    return see(unheard);
  },
};

const isSpecial = (code: string): code is Special => Object.hasOwn(specials, code);

test.each(Object.keys(specials).filter(isSpecial))("%s has the form that the table gives it", async (code) => {
  const facts: ProxyRefusalFacts = PROXY_ERRORS[code];
  const { http, socks } = await specials[code]();
  if (http !== null) expectWhole(http, { code, http: facts.http, error: facts.rfc9209, retryAfter: facts.retry === "wait" });
  if (socks !== null) expect(socks).toBe(socksForm(facts));
});

test.each(rows)("$code is in the table as it is told", ({ code, http, error, socks }) => {
  const facts: ProxyRefusalFacts = PROXY_ERRORS[code];
  expect({ http: facts.http, error: facts.rfc9209, socks: socksForm(facts) }).toEqual({ http, error, socks });
});

function socksForm({ socks5 }: ProxyRefusalFacts): string {
  if (typeof socks5 === "number") return socks5.toString(16).padStart(2, "0");
  return { authFailure: "A", noMethod: "FF", close: "close", none: "none" }[socks5];
}

test("a gateway that stops tells draining to whoever is connected already", async () => {
  const stopping = await openRig({ drainMs: 5_000 });
  const who = await stopping.makeLogin();
  await stopping.addNode();
  const held = await dial(stopping.proxy.proxyPort);
  held.write(`CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n${basic(who.username, who.password)}\r\n`);
  await once(held, "data");
  const early = await dial(stopping.proxy.proxyPort);
  early.write(`GET http://127.0.0.1:${targetPort}/ HTTP/1.1\r\nHost: x\r\n`);
  const socks = await dial(stopping.proxy.proxyPort);
  socks.write(Buffer.from([5, 1, 2]));
  await once(socks, "data");
  const closing = stopping.proxy.close();
  socks.write(socksLogin(who));
  expect([...(await once(socks, "data"))[0]]).toEqual([1, 0]);
  socks.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, targetPort >> 8, targetPort & 255]));
  expect((await once(socks, "data"))[0][1]).toBe(0x01);
  early.write(`${basic(who.username, who.password)}\r\n`);
  const chunks: Buffer[] = [];
  early.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(early, "end");
  expectWhole(readAnswer(Buffer.concat(chunks)), { code: "draining", http: 503, error: "connection_limit_reached", retryAfter: true });
  held.destroy();
  await closing;
  await stopping.close();
});
