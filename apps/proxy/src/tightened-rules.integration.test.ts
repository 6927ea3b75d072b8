/** Rules that become tighter while sessions are open: who they forbid is cut, in every gateway process; all others go on. */
import { until } from "@karvon/testkit";
import type { TunnelStream } from "@karvon/tunnel";
import { writeProxyHeaderV1 } from "@karvon/wire";
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pollEveryMs } from "./control/control-watch.ts";
import { type Family, openFamily } from "./test/family.ts";
import { basic, Conversation, dial, exchange, readAnswer } from "./test/raw-client.ts";
import type { Login, Rig } from "./test/rig.ts";
import { connectTarget } from "./test/test-node.ts";

/** A change that is heard ends what it forbids within so many milliseconds; one that was not, within `unheardMs`. */
const heardMs = 3_000;
const unheardMs = pollEveryMs + 5_000;

let family: Family;
let first: Rig;
let gateways: readonly Rig[];
let target: Server;
let targetPort = 0;
/** Openings of the node in IT, which answers when the test says so. */
const waiting: TunnelStream[] = [];

beforeAll(async () => {
  target = createServer((socket) => void socket.on("error", () => undefined).pipe(socket));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const address = target.address();
  targetPort = typeof address === "object" && address !== null ? address.port : 0;
  family = await openFamily({ flushIntervalMs: 500 });
  first = await family.add();
  const second = await family.add();
  gateways = [first, second];
  const toTarget = { onOpen: (stream: TunnelStream) => connectTarget(stream, { host: "127.0.0.1", port: targetPort }) };
  // One place has a node in each process; the nodes of the other two are beyond the link for half of the clients.
  for (const rig of gateways) await rig.addNode({ ...toTarget, address: `198.51.100.${gateways.indexOf(rig) + 1}` });
  await second.addNode({ ...toTarget, place: { country: "KZ" }, address: "198.51.100.3" });
  await first.addNode({ place: { country: "IT" }, address: "198.51.100.4", onOpen: (stream) => void waiting.push(stream) });
  const login = await first.makeLogin();
  for (const rig of gateways) await until(async () => (await statusOf(rig, login, "-country-kz")) === 200);
});
afterAll(async () => {
  await family.close();
  target.close();
});

async function statusOf(rig: Rig, who: Login, suffix: string): Promise<number> {
  const head = `GET http://echo.karvon/ HTTP/1.0\r\n${basic(`${who.username}${suffix}`, who.password)}\r\n`;
  return readAnswer(await exchange(rig.proxy.proxyPort, head)).status;
}

interface Wish {
  readonly who: Login;
  readonly suffix?: string;
  readonly host?: string;
  /** What a PROXY header names as the client's address. */
  readonly from?: string;
}

interface OpenTunnel {
  readonly conversation: Conversation;
  readonly requestId: string;
  /** Sends what was never sent before, and gets the same back. */
  echoes(): Promise<void>;
}

async function sendHead(rig: Rig, { who, suffix = "-country-uz", host = "site.example", from }: Wish): Promise<Conversation> {
  const socket = await dial(rig.proxy.proxyPort);
  if (from !== undefined) socket.write(headerFrom(from, rig));
  const conversation = new Conversation(socket);
  conversation.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: x\r\n${basic(`${who.username}${suffix}`, who.password)}\r\n`);
  return conversation;
}

function headerFrom(sourceAddress: string, rig: Rig): Buffer {
  return writeProxyHeaderV1({ sourceAddress, sourcePort: 40_000, destinationAddress: "127.0.0.1", destinationPort: rig.proxy.proxyPort });
}

async function openTunnel(rig: Rig, wish: Wish): Promise<OpenTunnel> {
  const conversation = await sendHead(rig, wish);
  const answer = await conversation.answer();
  expect(answer.status).toBe(200);
  const requestId = answer.headers["x-px-request-id"] ?? "";
  return {
    conversation,
    requestId,
    async echoes() {
      const sent = randomBytes(100_000);
      conversation.socket.write(sent);
      expect((await conversation.take(sent.length)).equals(sent)).toBe(true);
    },
  };
}

const isOver = (socket: Socket): boolean => socket.destroyed || socket.readableEnded || socket.closed;

async function closeReasonOf(requestId: string): Promise<string> {
  return until(async () => {
    const { rows } = await first.fixtures.pool.query<{ close_reason: string }>(
      "SELECT close_reason FROM proxy_session WHERE id = $1 AND closed_at IS NOT NULL",
      [requestId],
    );
    return rows[0]?.close_reason ?? null;
  });
}

/** No panel deletes a user that has carried anything: the database keeps its grants. Whoever did by hand would begin with them. */
async function deleteUser(proxyUserId: string): Promise<void> {
  await query("WITH grants AS (DELETE FROM quota_grant WHERE proxy_user_id = $1) DELETE FROM proxy_user WHERE id = $1", proxyUserId);
}

async function query(text: string, ...values: unknown[]): Promise<void> {
  await first.fixtures.pool.query(text, values);
}

async function change(table: "client" | "proxy_user", id: string, set: string): Promise<void> {
  await query(`UPDATE ${table} SET ${set} WHERE id = $1`, id);
  await query("SELECT karvon_notify($1, $2)", table, id);
}

async function block(kind: "host" | "cidr", pattern: string): Promise<void> {
  await query("INSERT INTO block_rule (id, kind, pattern, reason, created_by) VALUES ($1, $2, $1, 'test', 'test')", pattern, kind);
  await query("SELECT karvon_notify('block_rule', $1)", pattern);
}

function answerWaiting(): void {
  for (const stream of waiting.splice(0)) connectTarget(stream, { host: "127.0.0.1", port: targetPort });
}

interface Tightening {
  readonly what: string;
  readonly reason: string;
  readonly forbidden: Omit<Wish, "who">;
  readonly allowed: Omit<Wish, "who"> | "of another user";
  tighten(who: Login): Promise<void>;
}

const tightenings: readonly Tightening[] = [
  {
    what: "the hosts that it may reach",
    reason: "host_not_allowed",
    forbidden: { host: "a.forbidden.example" },
    allowed: { host: "a.allowed.example" },
    tighten: (who) => change("proxy_user", who.proxyUserId, "allowed_hosts = '{allowed.example}'"),
  },
  {
    what: "the addresses from which it may be used",
    reason: "source_ip_denied",
    forbidden: { from: "192.0.2.7" },
    allowed: { from: "203.0.113.7" },
    tighten: (who) => change("proxy_user", who.proxyUserId, "allowed_sources = '{203.0.113.0/24}'"),
  },
  {
    what: "the countries of the client",
    reason: "country_not_offered",
    forbidden: { suffix: "-country-kz" },
    allowed: { suffix: "-country-uz" },
    tighten: (who) => change("client", who.clientId, "countries = '{UZ}'"),
  },
  {
    what: "the proxy user, which is disabled",
    reason: "user_disabled",
    forbidden: {},
    allowed: "of another user",
    tighten: (who) => change("proxy_user", who.proxyUserId, "status = 'disabled'"),
  },
  {
    what: "the proxy user, which is deleted",
    reason: "user_disabled",
    forbidden: {},
    allowed: "of another user",
    async tighten({ proxyUserId }) {
      await deleteUser(proxyUserId);
      await query("SELECT karvon_notify('proxy_user', $1)", proxyUserId);
    },
  },
  {
    what: "the proxy user, whose name is another client's now",
    reason: "user_disabled",
    forbidden: {},
    allowed: "of another user",
    async tighten({ proxyUserId, username }) {
      const { fixtures } = first;
      await deleteUser(proxyUserId);
      await fixtures.makeProxyUser((await fixtures.makeClient()).clientId, { username });
      await query("SELECT karvon_notify('proxy_user', $1)", proxyUserId);
    },
  },
  {
    what: "the account, which is suspended",
    reason: "account_suspended",
    forbidden: {},
    allowed: "of another user",
    tighten: (who) => change("client", who.clientId, "status = 'suspended'"),
  },
  {
    what: "the account, which must be verified",
    reason: "kyc_required",
    forbidden: {},
    allowed: "of another user",
    tighten: (who) => change("client", who.clientId, "kyc_required = true"),
  },
];

test.each(tightenings)(
  "a change to $what ends what it forbids in every gateway, with the reason, and nothing else",
  async ({ reason, forbidden, allowed, tighten }) => {
    const who = await first.makeLogin();
    const kept = allowed === "of another user" ? { who: await first.makeLogin() } : { who, ...allowed };
    const toEnd = await Promise.all(gateways.map((rig) => openTunnel(rig, { who, ...forbidden })));
    const toGoOn = await Promise.all(gateways.map((rig) => openTunnel(rig, kept)));
    for (const tunnel of [...toEnd, ...toGoOn]) await tunnel.echoes();
    await tighten(who);
    await until(() => toEnd.every(({ conversation }) => isOver(conversation.socket)), { timeoutMs: heardMs });
    for (const { requestId } of toEnd) expect(await closeReasonOf(requestId)).toBe(reason);
    for (const { conversation, echoes } of toGoOn) {
      await echoes();
      conversation.socket.end();
      await until(() => conversation.hasEnded);
      expect(conversation.rest).toBe("");
    }
    for (const { requestId } of toGoOn) expect(await closeReasonOf(requestId)).toBe("finished");
  },
);

test("a change whose notice was lost is obeyed all the same", async () => {
  const who = await first.makeLogin();
  const toEnd = await Promise.all(gateways.map((rig) => openTunnel(rig, { who })));
  await query("UPDATE proxy_user SET allowed_hosts = '{allowed.example}' WHERE id = $1", who.proxyUserId);
  await query("UPDATE control_epoch SET epoch = epoch + 1");
  await until(() => toEnd.every(({ conversation }) => isOver(conversation.socket)), { timeoutMs: unheardMs });
  for (const { requestId } of toEnd) expect(await closeReasonOf(requestId)).toBe("host_not_allowed");
}, 30_000);

test("a session that was being opened while the rules changed ends too", async () => {
  const who = await first.makeLogin();
  const open = await openTunnel(first, { who });
  const late = await sendHead(first, { who, suffix: "-country-it" });
  await until(() => waiting.length === 1);
  await change("proxy_user", who.proxyUserId, "allowed_hosts = '{allowed.example}'");
  await until(() => isOver(open.conversation.socket), { timeoutMs: heardMs });
  answerWaiting();
  const { headers } = await late.answer();
  await until(() => isOver(late.socket), { timeoutMs: heardMs });
  expect(await closeReasonOf(headers["x-px-request-id"] ?? "")).toBe("host_not_allowed");
});

test("a session that was being opened while its target was blocked is refused", async () => {
  const wish = { who: await first.makeLogin(), host: "blocked.example" };
  const open = await openTunnel(first, wish);
  const late = await sendHead(first, { ...wish, suffix: "-country-it" });
  await until(() => waiting.length === 1);
  await block("host", wish.host);
  await until(() => isOver(open.conversation.socket), { timeoutMs: heardMs });
  answerWaiting();
  expect(await late.answer()).toMatchObject({ status: 403, headers: { "x-error-code": "target_blocked" } });
});

test("a block of addresses ends open tunnels to names that led there", async () => {
  const who = await first.makeLogin();
  const toEnd = await Promise.all(gateways.map((rig) => openTunnel(rig, { who })));
  await block("cidr", "127.0.0.0/8");
  await until(() => toEnd.every(({ conversation }) => isOver(conversation.socket)), { timeoutMs: heardMs });
  for (const { requestId } of toEnd) expect(await closeReasonOf(requestId)).toBe("target_blocked");
});
