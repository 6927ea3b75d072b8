/** Login by source address: who pays, with which parameters, and what a change means for whom. */
import { newId } from "@karvon/domain";
import { openGatewayDatabase } from "@karvon/db/sql";
import { until } from "@karvon/testkit";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAccounts } from "./session/accounts.ts";
import { createCredentials } from "./session/credentials.ts";
import { basic, Conversation, exchange, type HttpAnswer, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

let rig: Rig;
let login: Login;
beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  await rig.addNode();
});
afterAll(() => rig.close());

interface Entry {
  readonly proxyUserId?: string;
  readonly cidr: string;
  readonly parameters?: string;
}

/** As the panels write it: the row and the notice. */
async function list({ proxyUserId = login.proxyUserId, cidr, parameters = "" }: Entry): Promise<string> {
  const id = newId("alw");
  await rig.fixtures.pool.query(
    `WITH added AS (INSERT INTO allowlist_entry (id, proxy_user_id, client_id, cidr, default_parameters)
       VALUES ($1, $2, $3, $4, $5) RETURNING proxy_user_id)
     SELECT karvon_notify('proxy_user', proxy_user_id) FROM added`,
    [id, proxyUserId, login.clientId, cidr, parameters],
  );
  return id;
}

function remove(id: string): Promise<unknown> {
  const text = `WITH gone AS (DELETE FROM allowlist_entry WHERE id = $1 RETURNING proxy_user_id)
    SELECT karvon_notify('proxy_user', proxy_user_id) FROM gone`;
  return rig.fixtures.pool.query(text, [id]);
}

/** Connects as if from another address of this machine. */
async function dialFrom(localAddress: string): Promise<Socket> {
  const socket = connect({ port: rig.proxy.proxyPort, host: "127.0.0.1", localAddress, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

const authority = (): string => `127.0.0.1:${rig.origin.port}`;
const request = (more = ""): string => `GET http://${authority()}/ HTTP/1.1\r\nHost: ${authority()}\r\n${more}\r\n`;

async function get(from: string, credentials = ""): Promise<HttpAnswer> {
  const bytes = await exchange(rig.proxy.proxyPort, request(`Connection: close\r\n${credentials}`), { dial: () => dialFrom(from) });
  return readAnswer(bytes);
}

/** Asks until it is answered so: a new entry is known within seconds. */
function getUntil(from: string, status: number): Promise<HttpAnswer> {
  return until(
    async () => {
      const answer = await get(from);
      return answer.status === status ? answer : null;
    },
    { what: `${status} to ${from}`, everyMs: 50 },
  );
}

function sessionOf(requestId: string | undefined): Promise<Record<string, unknown>> {
  return until(async () => {
    const text = "SELECT proxy_user_id, client_address, has_password, sticky_session FROM proxy_session WHERE id = $1";
    const { rows } = await rig.fixtures.pool.query<Record<string, unknown>>(text, [requestId]);
    return rows[0];
  });
}

describe("an address that is listed", () => {
  test("needs no password, brings its parameters, and the session log says that there was none", async () => {
    expect((await get("127.0.1.1")).headers["x-error-code"]).toBe("auth_missing");
    await list({ cidr: "127.0.1.1", parameters: "-country-uz-session-desk1" });
    const { headers } = await getUntil("127.0.1.1", 200);
    expect({ country: headers["x-px-country"], session: headers["x-px-session"] }).toEqual({ country: "UZ", session: "desk1" });
    const { proxyUserId } = login;
    expect(await sessionOf(headers["x-px-request-id"])).toEqual({
      proxy_user_id: proxyUserId,
      client_address: "127.0.1.1",
      has_password: false,
      sticky_session: "desk1",
    });
    const socks = await socksConnect(rig.proxy.proxyPort, null, { host: "127.0.0.1", port: rig.origin.port }, () => dialFrom("127.0.1.1"));
    expect(socks).toBe("00");
  });

  test("may send a password all the same, which brings its own parameters and shows that the address is its owner's", async () => {
    await list({ cidr: "127.0.1.2", parameters: "-country-is" });
    expect((await getUntil("127.0.1.2", 503)).headers["x-error-code"]).toBe("no_exit");
    const { status, headers } = await get("127.0.1.2", basic(login.username, login.password));
    expect(status).toBe(200);
    expect(await sessionOf(headers["x-px-request-id"])).toMatchObject({ client_address: "127.0.1.2", has_password: true });
  });

  test("is its narrowest block's: the others of the wide block are another proxy user's", async () => {
    const narrow = await rig.fixtures.makeProxyUser(login.clientId);
    await list({ cidr: "127.0.2.0/24", parameters: "-session-wide" });
    await list({ cidr: "127.0.2.7", proxyUserId: narrow.proxyUserId, parameters: "-session-narrow" });
    const [inside, beside] = [await getUntil("127.0.2.7", 200), await getUntil("127.0.2.8", 200)];
    expect(await sessionOf(inside.headers["x-px-request-id"])).toMatchObject({
      proxy_user_id: narrow.proxyUserId,
      sticky_session: "narrow",
    });
    expect(await sessionOf(beside.headers["x-px-request-id"])).toMatchObject({ proxy_user_id: login.proxyUserId, sticky_session: "wide" });
    expect((await get("127.0.3.7")).status).toBe(407);
  });
});

describe("an address that is removed", () => {
  test("is refused at once, on new connections and for the next request of one that was kept", async () => {
    const id = await list({ cidr: "127.0.4.1" });
    await getUntil("127.0.4.1", 200);
    const kept = new Conversation(await dialFrom("127.0.4.1"));
    expect((await kept.ask(request())).status).toBe(200);
    await remove(id);
    expect((await getUntil("127.0.4.1", 407)).headers["x-error-code"]).toBe("auth_missing");
    expect((await kept.ask(request())).headers["x-error-code"]).toBe("auth_missing");
    const socks = await socksConnect(rig.proxy.proxyPort, null, { host: "127.0.0.1", port: rig.origin.port }, () => dialFrom("127.0.4.1"));
    expect(socks).toBe("FF");
    kept.socket.destroy();
  });

  test("keeps the tunnels that it has open; they end when the proxy user is disabled", async () => {
    const own = await rig.fixtures.makeProxyUser(login.clientId);
    const id = await list({ cidr: "127.0.4.2", proxyUserId: own.proxyUserId });
    await getUntil("127.0.4.2", 200);
    const tunnel = new Conversation(await dialFrom("127.0.4.2"));
    expect((await tunnel.ask(`CONNECT ${authority()} HTTP/1.1\r\nHost: ${authority()}\r\n\r\n`)).status).toBe(200);
    await remove(id);
    await getUntil("127.0.4.2", 407);
    expect((await tunnel.ask(`GET / HTTP/1.1\r\nHost: ${authority()}\r\n\r\n`)).status).toBe(200);
    await rig.fixtures.pool.query("UPDATE proxy_user SET status = 'disabled' WHERE id = $1", [own.proxyUserId]);
    await rig.fixtures.pool.query("SELECT karvon_notify('proxy_user', $1)", [own.proxyUserId]);
    await until(() => tunnel.hasEnded || tunnel.socket.destroyed, { what: "the end of the tunnel" });
  });

  test("is refused within ten seconds even when nobody heard of it", async () => {
    const id = await list({ cidr: "127.0.4.3" });
    await getUntil("127.0.4.3", 200);
    await rig.fixtures.pool.query("DELETE FROM allowlist_entry WHERE id = $1", [id]);
    await rig.fixtures.pool.query("UPDATE control_epoch SET epoch = epoch + 1");
    await until(async () => (await get("127.0.4.3")).status === 407, { timeoutMs: 10_000, everyMs: 100 });
  }, 20_000);

  test("is not remembered by an answer that was under way when it was removed", async () => {
    const id = await list({ cidr: "127.0.4.4" });
    const database = openGatewayDatabase({ url: rig.databaseUrl, onError: () => undefined });
    let arrived: () => void = () => undefined;
    let letGo: () => void = () => undefined;
    const isOnItsWay = new Promise<void>((resolve) => (arrived = resolve));
    const mayArrive = new Promise<void>((resolve) => (letGo = resolve));
    const slow = {
      findProxyUser: (username: string) => database.findProxyUser(username),
      async findAllowlistedUser(address: string) {
        const user = await database.findAllowlistedUser(address);
        arrived();
        await mayArrive;
        return user;
      },
    };
    const nowMs = () => performance.now();
    const credentials = createCredentials({ database: slow, accounts: createAccounts(nowMs), nowMs });
    const early = credentials.findAllowlisted("127.0.4.4");
    await isOnItsWay;
    await remove(id);
    credentials.forgetStrangers();
    letGo();
    expect(await early).toEqual({ username: login.username, defaultParameters: "" });
    expect(await credentials.findAllowlisted("127.0.4.4")).toBeNull();
    await database.close();
  });
});
