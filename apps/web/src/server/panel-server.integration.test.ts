import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { until } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openWeb, playGateway, type TestWeb } from "../test/open-web.ts";

let web: TestWeb;
beforeAll(async () => {
  web = await openWeb();
});
afterAll(() => web.close());

const purchase = (key: string) => ({ gigabytes: 1, idempotencyKey: key });
const countOrders = async () => Number((await web.fixtures.pool.query("select count(*)::int as n from client_order")).rows[0]?.n);

async function aClient() {
  const client = await web.fixtures.makeClient();
  return { ...client, ...(await web.signIn(client.userId)) };
}

/** A request with exactly these headers, for what fetch would not send. */
async function raw(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = "",
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  const request = httpRequest(`${web.url}${path}`, { method, headers });
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, text };
}

describe("a write from another site", () => {
  test.each([
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
    ["plain text", { "content-type": "text/plain" }, 415],
    ["JSON without the panels' header", { "content-type": "application/json", "x-karvon-request": "" }, 403],
    ["a foreign origin", { origin: "http://evil.example" }, 403],
    ["an origin that hides itself", { origin: "null" }, 403],
    ["another port of this machine", { origin: "http://127.0.0.1:1" }, 403],
    ["a browser that says it is cross-site", { "sec-fetch-site": "cross-site" }, 403],
  ])("as %s is refused and changes nothing", async (_name, headers, status) => {
    const { cookie } = await aClient();
    const before = await countOrders();
    const answer = await web.mutate("client.buyTraffic", { cookie, input: purchase("cross-site-1"), headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(await countOrders()).toBe(before);
  });

  test("by GET is refused", async () => {
    const { cookie } = await aClient();
    const before = await countOrders();
    expect((await web.query("client.buyTraffic", { cookie, input: purchase("by-get-0001") })).status).toBe(405);
    expect(await countOrders()).toBe(before);
  });

  test("is not mistaken for one from the panels under any of this machine's names", async () => {
    const { cookie } = await aClient();
    const { port } = new URL(web.url);
    for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
      const answer = await web.mutate("client.proxyUsers.create", { cookie, input: {}, headers: { origin: `http://${host}:${port}` } });
      expect(answer.status).toBe(200);
    }
  });
});

describe("bounds", () => {
  test("ten calls go in one request, eleven do not", async () => {
    const paths = (count: number) => Array.from({ length: count }, () => "auth.viewer").join(",");
    expect((await fetch(`${web.url}/api/trpc/${paths(10)}?batch=1&input=${encodeURIComponent("{}")}`)).status).toBe(200);
    expect((await fetch(`${web.url}/api/trpc/${paths(11)}?batch=1&input=${encodeURIComponent("{}")}`)).status).toBe(400);
  });

  test("a body has a length of 100 kB at most", async () => {
    const headers = { "content-type": "application/json", "x-karvon-request": "panel" };
    expect((await raw("POST", "/api/trpc/auth.signUp", { ...headers, "content-length": "100001" })).status).toBe(413);
    expect((await raw("POST", "/api/trpc/auth.signUp", { ...headers, "transfer-encoding": "chunked" }, "{}")).status).toBe(411);
    expect((await raw("POST", "/api/auth/callback/password", { "content-length": "100001" })).status).toBe(413);
  });

  test("pages are for reading: what decodes server actions is not reachable", async () => {
    const before = web.pageRequests.length;
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      expect(
        (await raw(method, "/client", { "next-action": "x", "content-type": "multipart/form-data; boundary=x", "content-length": "0" }))
          .status,
      ).toBe(405);
    }
    expect(web.pageRequests.length).toBe(before);
  });

  test("an upgrade is cut off, whatever it asks for", async () => {
    const socket = connect(Number(new URL(web.url).port), "127.0.0.1");
    socket.write("GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.resume();
    await once(socket, "close");
    expect((await fetch(`${web.url}/healthz`)).status).toBe(200);
  });

  test("what is not HTTP is answered 400 and the server stays up", async () => {
    const socket = connect(Number(new URL(web.url).port), "127.0.0.1");
    socket.write("\u0016\u0003\u0001 not http\r\n\r\n");
    const [first] = await once(socket, "data");
    expect(String(first)).toMatch(/^HTTP\/1\.1 400/);
    expect((await fetch(`${web.url}/healthz`)).status).toBe(200);
  });
});

describe("a request for a page", () => {
  test("loses the headers that steer Next's inside and gains its nonce and the caller's address", async () => {
    const answer = await raw("GET", "/client", {
      "x-middleware-subrequest": "src/middleware:src/middleware",
      "X-Middleware-Rewrite": "http://127.0.0.1:1/",
      "x-nextjs-data": "1",
      "Next-Action": "abc",
      "x-karvon-client-address": "203.0.113.1",
      "x-forwarded-for": "203.0.113.2",
      "content-security-policy": "script-src 'nonce-attacker'",
      rsc: "1",
    });
    expect(answer.text).toBe("a page");
    const seen = web.pageRequests.at(-1);
    const names = Object.keys(seen?.headers ?? {});
    expect(names.filter((name) => /^x-middleware|^x-nextjs|^next-action/.test(name))).toEqual([]);
    expect(seen?.rawHeaders.join(" ").toLowerCase()).not.toMatch(/x-middleware|x-nextjs|next-action/);
    expect(names).toContain("rsc");
    expect(seen?.headers["x-karvon-client-address"]).toBe("127.0.0.1");
    const nonce = /'nonce-([^']+)'/.exec(String(answer.headers["content-security-policy"]))?.[1];
    expect(String(seen?.headers["content-security-policy"])).toContain(`'nonce-${nonce}'`);
  });

  test("and every other answer carry the security headers, each page a nonce of its own", async () => {
    const policies = new Set<string>();
    for (const path of ["/client", "/healthz", "/api/trpc/auth.viewer", "/client"]) {
      const { headers } = await fetch(`${web.url}${path}`);
      const policy = headers.get("content-security-policy") ?? "";
      policies.add(policy);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe-eval");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("x-powered-by")).toBeNull();
    }
    expect(policies.size).toBe(4);
  });
});

describe("a sign-in", () => {
  test("counts until it is revoked, and not for one call more", async () => {
    const first = await aClient();
    const second = await web.signIn(first.userId);
    expect((await web.query("auth.viewer", { cookie: first.cookie })).data).toMatchObject({ id: first.userId, role: "client" });
    const revoked = await web.mutate("auth.sessions.revoke", { cookie: second.cookie, input: { id: first.sessionId } });
    expect(revoked.status).toBe(200);
    expect((await web.query("auth.viewer", { cookie: first.cookie })).data).toBeNull();
    expect(await web.query("client.overview", { cookie: first.cookie })).toMatchObject({ status: 401, appCode: "SIGN_IN_REQUIRED" });
    expect((await web.query("client.overview", { cookie: second.cookie })).status).toBe(200);
  });

  test("ends at once when an admin suspends the account", async () => {
    const client = await aClient();
    const admin = await web.signIn(await web.makeAdmin());
    const done = await web.mutate("admin.suspendUser", { cookie: admin.cookie, input: { id: client.userId, reason: "for the test" } });
    expect(done.status).toBe(200);
    expect((await web.query("client.overview", { cookie: client.cookie })).status).toBe(401);
  });

  test("that signs out has its cookie taken back", async () => {
    const { cookie } = await aClient();
    const answer = await web.mutate("auth.signOut", { cookie });
    expect(answer.headers.get("set-cookie")).toMatch(/^karvon-session=; Path=\/; HttpOnly; SameSite=Lax; Max-Age=0$/);
    expect((await web.query("auth.viewer", { cookie })).data).toBeNull();
  });

  test("that is forged, cut or made under another secret is nobody", async () => {
    const { cookie } = await aClient();
    for (const forged of ["karvon-session=x", cookie.slice(0, -5), `${cookie}x`, `karvon-session=${"a.".repeat(3_000)}`]) {
      expect((await web.query("auth.viewer", { cookie: forged })).data).toBeNull();
    }
  });
});

describe("an error", () => {
  test("that we foresaw has its code, and a wrong input its fields", async () => {
    const { cookie } = await aClient();
    const answer = await web.mutate("client.proxyUsers.create", { cookie, input: { username: "UPPER" } });
    expect(answer).toMatchObject({ status: 400, appCode: "INPUT_INVALID", message: "Check the marked fields." });
    expect(answer.text).toContain('"username":["A proxy username has 4 to 32 of a-z and 0-9."]');
  });

  test("that we did not foresee says one fixed sentence and nothing of our insides", async () => {
    const { cookie } = await aClient();
    await web.fixtures.pool.query("alter table price rename to price_gone");
    try {
      const answer = await web.query("client.packs", { cookie });
      expect(answer).toMatchObject({
        status: 500,
        appCode: null,
        message: "Something failed on our side. Try again; if it stays, tell us the time.",
      });
      expect(answer.text).not.toMatch(/price|prisma|select|stack/i);
    } finally {
      await web.fixtures.pool.query("alter table price_gone rename to price");
    }
  });
});

describe("the live stream", () => {
  /** The ticks of one subscription as they come; `isOver` once the server ended it. */
  async function follow(path: string, cookie: string) {
    const stop = new AbortController();
    const ticks: Record<string, unknown>[] = [];
    const state = { ticks, isOver: false, text: "", stop: () => stop.abort() };
    const response = await fetch(`${web.url}/api/trpc/${path}`, { headers: { cookie, accept: "text/event-stream" }, signal: stop.signal });
    const reading = (async () => {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        state.text += chunk;
        for (const [, data = ""] of chunk.matchAll(/^data: (\{"json":.*)$/gm)) ticks.push(JSON.parse(data).json);
      }
    })();
    reading.then(
      () => (state.isOver = true),
      () => (state.isOver = true),
    );
    return state;
  }

  const counter = (id: string, upBytes: number) => ({ id, upBytes, downBytes: upBytes * 2, sessionsOpen: 1 });

  test("brings each tenant its own numbers, the admin all of them, and survives a gateway that crashes", async () => {
    const [mine, other] = [await aClient(), await aClient()];
    const operator = await web.fixtures.makeOperator();
    const { nodeId } = await web.fixtures.makeNode(operator.operatorId);
    const operatorCookie = (await web.signIn(operator.userId)).cookie;
    const adminCookie = (await web.signIn(await web.makeAdmin())).cookie;
    const gateway = await playGateway();
    await web.fixtures.pool.query("insert into gateway (id, epoch, ops_url, started_at) values ('gwy_live', 1, $1, now())", [
      gateway.opsUrl,
    ]);
    await until(() => gateway.streams === 1, { timeoutMs: 15_000, what: "the stream to the gateway" });
    const streams = await Promise.all([
      follow("client.live", mine.cookie),
      follow("operator.live", operatorCookie),
      follow("admin.live", adminCookie),
    ]);
    const [client, fleet, network] = streams;
    const tick = {
      atMs: 1_000,
      sessionsOpen: 2,
      upBytes: 12,
      clients: [counter(mine.clientId, 5), counter(other.clientId, 7)],
      operators: [counter(operator.operatorId, 5)],
      nodes: [counter(nodeId, 5), counter("nod_of_somebody_else", 7)],
    };
    await until(
      () => {
        gateway.send(tick);
        return streams.every((stream) => stream.ticks.length > 0);
      },
      { everyMs: 100, timeoutMs: 10_000 },
    );
    expect(client?.ticks[0]).toEqual({ atMs: 1_000, upBytes: 5, downBytes: 10, sessionsOpen: 1 });
    expect(client?.text).not.toContain(other.clientId);
    expect(fleet?.ticks[0]).toEqual({ atMs: 1_000, upBytes: 5, downBytes: 10, sessionsOpen: 1, nodes: [counter(nodeId, 5)] });
    expect(network?.ticks[0]).toMatchObject({ upBytes: 12, sessionsOpen: 2, clients: tick.clients });

    gateway.crash();
    const before = client?.ticks.length ?? 0;
    await until(
      () => {
        gateway.send({ ...tick, atMs: 2_000 });
        return client?.ticks.slice(before).some((one) => one["atMs"] === 2_000);
      },
      { everyMs: 100, timeoutMs: 10_000, what: "ticks after the crash" },
    );

    await web.fixtures.pool.query("update sign_in_session set revoked_at = now() where id = $1", [mine.sessionId]);
    await until(
      () => {
        gateway.send(tick);
        return (client?.isOver ?? false) || client?.text.includes("SIGN_IN_REQUIRED");
      },
      { everyMs: 250, timeoutMs: 10_000, what: "the end of the revoked stream" },
    );
    expect(fleet?.isOver).toBe(false);
    for (const stream of streams) stream.stop();
    await until(() => web.parts.liveStreams() === 0, { what: "the end of the streams whose readers have gone" });
    await web.fixtures.pool.query("update gateway set stopped_at = now()");
    await gateway.close();
  });

  test("is refused to who is not signed in and to the wrong role", async () => {
    const { cookie } = await aClient();
    expect((await web.query("client.live")).text).toContain('"appCode":"SIGN_IN_REQUIRED"');
    expect((await web.query("admin.live", { cookie })).text).toContain('"appCode":"ROLE_FORBIDDEN"');
  });
});

test("a stream that fails says one fixed sentence and nothing of our insides", async () => {
  const admin = await web.signIn(await web.makeAdmin());
  const gateway = await playGateway();
  await web.fixtures.pool.query("insert into gateway (id, epoch, ops_url, started_at) values ('gwy_fails', 1, $1, now())", [
    gateway.opsUrl,
  ]);
  await until(() => gateway.streams === 1, { timeoutMs: 15_000 });
  const answer = web.query("admin.live", { cookie: admin.cookie, headers: { accept: "text/event-stream" } });
  await web.fixtures.pool.query("alter table sign_in_session rename to sign_in_session_gone");
  const beat = setInterval(() => gateway.send({}), 200);
  try {
    const { text } = await answer;
    expect(text).toContain("Something failed on our side.");
    expect(text).not.toMatch(/sign_in_session|prisma|stack/i);
  } finally {
    clearInterval(beat);
    await web.fixtures.pool.query("alter table sign_in_session_gone rename to sign_in_session");
    await web.fixtures.pool.query("update gateway set stopped_at = now()");
    await gateway.close();
  }
});

test("the endpoint page says what the gateways offer", async () => {
  const { cookie } = await aClient();
  const gateway = await playGateway();
  await web.fixtures.pool.query(
    "insert into gateway (id, epoch, ops_url, started_at) values ('gwy_offer', 1, $1, now()), ('gwy_dead', 1, 'http://127.0.0.1:1', now())",
    [gateway.opsUrl],
  );
  const offer = await until(
    async () => {
      const { data } = await web.query("client.endpoint", { cookie });
      return Reflect.get(Object(data), "total") === 3 ? data : null;
    },
    { everyMs: 250, timeoutMs: 10_000 },
  );
  expect(offer).toEqual({
    clientId: expect.stringMatching(/^cli_/),
    host: "127.0.0.1",
    port: 7000,
    total: 3,
    countries: [{ country: "UZ", nodes: 3, byType: { mobile: 1, wifi: 2, residential: 0 } }],
  });
  await web.fixtures.pool.query("update gateway set stopped_at = now()");
  await gateway.close();
});

test("health says ok, readiness asks the database", async () => {
  expect(await (await fetch(`${web.url}/healthz`)).text()).toBe("ok\n");
  expect(await (await fetch(`${web.url}/readyz`)).text()).toBe("ready\n");
});
