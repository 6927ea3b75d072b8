import { until } from "@karvon/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { basic, exchange, readAnswer } from "./test/raw-client.ts";
import type { RawTargetConnection } from "./test/raw-origin.ts";
import { rawPeers } from "./test/raw-peers.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

let rig: Rig;
let login: Login;
let auth = "";
const { startOrigin, open, close } = rawPeers(() => rig.proxy.proxyPort);

beforeAll(async () => {
  rig = await openRig({ flushIntervalMs: 60_000 });
  login = await rig.makeLogin();
  auth = basic(login.username, login.password);
  for (let i = 0; i < 3; i += 1) await rig.addNode();
});
afterEach(close);
afterAll(() => rig.close());

type OnData = (connection: RawTargetConnection, text: string) => void;

const ok = (body = "ok", more = ""): string => `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const answersOk: OnData = ({ socket }) => void socket.write(ok());
const request = (
  origin: { port: number },
  options: { method?: string; path?: string; fields?: string; body?: string; who?: string } = {},
): string =>
  `${options.method ?? "GET"} http://127.0.0.1:${origin.port}${options.path ?? "/"} HTTP/1.1\r\nHost: x\r\n${options.who ?? auth}${options.fields ?? ""}\r\n${options.body ?? ""}`;
const idOf = (answer: { headers: Readonly<Record<string, string>> }): string => answer.headers["x-px-request-id"] ?? "none";

async function sessionRow(id: string): Promise<Record<string, unknown>> {
  return until(
    async () => {
      await rig.proxy.flushNow();
      const { rows } = await rig.fixtures.pool.query("SELECT * FROM proxy_session WHERE id = $1 AND closed_at IS NOT NULL", [id]);
      return rows[0] ?? null;
    },
    { what: "the closed session" },
  );
}

describe("a kept connection", () => {
  test("carries requests to the same target over one session, on one exit, in one row", async () => {
    const origin = await startOrigin(answersOk);
    const client = await open();
    const answers = [];
    for (let i = 0; i < 5; i += 1) answers.push(await client.ask(request(origin, { path: `/${i}` })));
    expect(answers.map(({ status, body, headers }) => [status, body, headers["connection"]])).toEqual(
      answers.map(() => [200, "ok", "keep-alive"]),
    );
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(new Set(answers.map(({ headers }) => headers["x-px-exit-ip"])).size).toBe(1);
    expect(origin.connections).toHaveLength(1);
    expect(origin.connections[0]?.received).toMatch(/^(GET \/\d HTTP\/1\.1\r\nHost: [^\r]+\r\nConnection: keep-alive\r\n\r\n){5}$/);
    client.socket.end();
    const row = await sessionRow(idOf(answers[0] ?? { headers: {} }));
    expect(row).toMatchObject({ up_bytes: BigInt(origin.connections[0]?.received.length ?? 0), down_bytes: BigInt(5 * ok().length) });
  });

  test("goes to another host when the next request says so, and back again", async () => {
    const [a, b] = [
      await startOrigin(({ socket }) => void socket.write(ok("a"))),
      await startOrigin(({ socket }) => void socket.write(ok("b"))),
    ];
    const client = await open();
    const answers = [];
    for (const origin of [a, b, a, b]) answers.push(await client.ask(request(origin)));
    expect(answers.map(({ body }) => body)).toEqual(["a", "b", "a", "b"]);
    expect(new Set(answers.map(idOf)).size).toBe(4);
    await until(() => [...a.connections, ...b.connections].filter(({ isClosed }) => !isClosed).length === 1, { what: "one rests at most" });
  });

  test("never mixes two users", async () => {
    const other = await rig.makeLogin();
    const otherAuth = basic(other.username, other.password);
    const origin = await startOrigin(answersOk);
    const client = await open();
    const ids = [];
    for (const who of [auth, otherAuth, auth, otherAuth]) ids.push(idOf(await client.ask(request(origin, { who }))));
    expect(origin.connections).toHaveLength(4);
    client.socket.end();
    const owners = [];
    for (const id of ids) owners.push((await sessionRow(id))["proxy_user_id"]);
    expect(owners).toEqual([login.proxyUserId, other.proxyUserId, login.proxyUserId, other.proxyUserId]);
  });

  test("takes another wish of the same user to another exit", async () => {
    const origin = await startOrigin(answersOk);
    await rig.addNode({ place: { country: "KZ" } });
    const client = await open();
    const wish = (country: string): string => basic(`${login.username}-country-${country}`, login.password);
    const countries = [];
    for (const country of ["uz", "kz", "uz"])
      countries.push((await client.ask(request(origin, { who: wish(country) }))).headers["x-px-country"]);
    expect(countries).toEqual(["UZ", "KZ", "UZ"]);
  });

  test("refuses the wrong password of a later request, and then is over", async () => {
    const origin = await startOrigin(answersOk);
    const client = await open();
    const first = await client.ask(request(origin));
    const second = await client.ask(request(origin, { who: basic(login.username, "pxkWRONGWRONGWRONGWRONGWRON") }));
    expect([first.status, second.status, second.headers["connection"]]).toEqual([200, 407, "close"]);
    expect(idOf(second)).not.toBe(idOf(first));
    await until(() => client.hasEnded && origin.connections[0]?.isClosed === true);
  });

  test("is judged by the account's state request by request", async () => {
    const user = await rig.makeLogin();
    const who = basic(user.username, user.password);
    const origin = await startOrigin(answersOk);
    const client = await open();
    expect((await client.ask(request(origin, { who }))).status).toBe(200);
    await rig.fixtures.pool.query("UPDATE proxy_user SET status = 'disabled' WHERE id = $1", [user.proxyUserId]);
    await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [user.clientId]);
    const refused = await until(async () => {
      const answer = await client.ask(request(origin, { who }));
      return answer.status === 200 ? null : answer;
    });
    expect(refused.headers["x-error-code"]).toBe("user_disabled");
    const refusal = await until(
      async () => (await rig.fixtures.pool.query("SELECT * FROM proxy_refusal WHERE id = $1", [idOf(refused)])).rows[0] ?? null,
    );
    expect(refusal).toMatchObject({ code: "user_disabled", protocol: "http", proxy_user_id: user.proxyUserId });
  });

  test("answers pipelined requests in their order, to two targets", async () => {
    const paths: OnData = ({ socket }, text) => {
      for (const [, path] of text.matchAll(/^GET (\S+)/gm)) socket.write(ok(path));
    };
    const [a, b] = [await startOrigin(paths), await startOrigin(paths)];
    const client = await open();
    client.send([request(a, { path: "/1" }), request(a, { path: "/2" }), request(b, { path: "/3" }), request(a, { path: "/4" })].join(""));
    const bodies = [];
    for (let i = 0; i < 4; i += 1) bodies.push((await client.answer()).body);
    expect(bodies).toEqual(["/1", "/2", "/3", "/4"]);
    for (const { received } of [...a.connections, ...b.connections]) expect(received.match(/GET/g)?.length).toBeLessThanOrEqual(2);
  });

  test("gets its answers after it has said that it sends no more", async () => {
    const origin = await startOrigin(answersOk);
    const client = await open();
    client.send(request(origin) + request(origin));
    client.socket.end();
    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([200, 200]);
    await until(() => client.hasEnded && client.socket.destroyed);
  });

  test("takes an empty line behind a body for nothing", async () => {
    const origin = await startOrigin(answersOk);
    const client = await open();
    const posted = request(origin, { method: "POST", fields: "Content-Length: 1\r\n", body: "x\r\n" });
    expect((await client.ask(posted)).status).toBe(200);
    expect((await client.ask(request(origin))).status).toBe(200);
    client.send(posted);
    client.socket.end();
    expect((await client.answer()).status).toBe(200);
    await until(() => client.hasEnded);
    expect(client.rest).toBe("");
    expect(origin.connections).toHaveLength(1);
  });

  test("is closed when the target or the client says close", async () => {
    const origin = await startOrigin(
      ({ socket }, text) => void socket.write(ok("ok", text.includes("/last") ? "Connection: close\r\n" : "")),
    );
    const first = await open();
    expect((await first.ask(request(origin, { path: "/last" }))).headers["connection"]).toBe("keep-alive");
    await until(() => origin.connections[0]?.isClosed);
    expect((await first.ask(request(origin, { fields: "Connection: close\r\n" }))).headers["connection"]).toBe("close");
    await until(() => first.hasEnded);
    expect(origin.connections[1]?.received).toContain("Connection: close\r\n");
  });
});

describe("a target that closes the connection which rested", () => {
  /** Answers the first request of every connection; the second one finds the connection closing. */
  const closesOnSecond: OnData = ({ socket, received }) => {
    if (received.match(/HTTP\/1\.1\r\n/g)?.length === 1) socket.write(ok());
    else socket.destroy();
  };

  test("is asked once more on a new one for what may be repeated", async () => {
    const origin = await startOrigin(closesOnSecond);
    const client = await open();
    const first = await client.ask(request(origin));
    const put = request(origin, { method: "PUT", path: "/again", fields: "Content-Length: 4\r\n", body: "body" });
    const second = await client.ask(put);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(idOf(second)).not.toBe(idOf(first));
    expect(origin.connections.map(({ received }) => received.includes("PUT /again HTTP/1.1") && received.endsWith("\r\n\r\nbody"))).toEqual(
      [true, true],
    );
  });

  test("gets the same bytes again, chunks and trailers too, and then the next request", async () => {
    const origin = await startOrigin(closesOnSecond);
    const client = await open();
    await client.ask(request(origin));
    const body = "4;x\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n";
    client.send(
      request(origin, { method: "PUT", path: "/again", fields: "Transfer-Encoding: chunked\r\n", body }) +
        request(origin, { path: "/next" }),
    );
    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([200, 200]);
    expect(origin.connections.map(({ received }) => received.includes(`\r\n\r\n${body}`))).toEqual([true, true, false]);
    expect(origin.connections[2]?.received).toMatch(/^GET \/next /);
  });

  test("is not asked again for what may not, and says so", async () => {
    const origin = await startOrigin(closesOnSecond);
    const client = await open();
    await client.ask(request(origin));
    const post = await client.ask(request(origin, { method: "POST", fields: "Content-Length: 1\r\n", body: "x" }));
    expect([post.status, post.headers["x-error-code"]]).toEqual([502, "target_reset"]);
    expect(JSON.parse(post.body)).toMatchObject({ billed: true });
    expect(origin.connections).toHaveLength(1);
  });

  test("costs nothing when it closes while it rests, and ends what it says unasked", async () => {
    const origin = await startOrigin(answersOk);
    const client = await open();
    const first = await client.ask(request(origin));
    origin.connections[0]?.socket.end();
    expect(await sessionRow(idOf(first))).toMatchObject({ close_reason: "finished" });
    await client.ask(request(origin));
    origin.connections[1]?.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    await until(() => origin.connections[1]?.isClosed);
    expect((await client.ask(request(origin))).body).toBe("ok");
    expect(origin.connections).toHaveLength(3);
  });

  test("an answer with more bytes than it said ends the session, and the client sees none of them", async () => {
    const origin = await startOrigin(({ socket }) => void socket.write(`${ok()}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged`));
    const client = await open();
    expect([(await client.ask(request(origin))).body, (await client.ask(request(origin))).body]).toEqual(["ok", "ok"]);
    expect(client.rest).toBe("");
    expect(origin.connections).toHaveLength(2);
  });
});

describe("framing", () => {
  test("passes chunks with extensions and trailers through both ways as they are", async () => {
    const body = '5;a="b"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n';
    const origin = await startOrigin(({ socket, received }) => {
      if (received.endsWith("X-Sum: 1\r\n\r\n"))
        socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n${body}`);
    });
    const client = await open();
    client.send(request(origin, { method: "POST", fields: "Transfer-Encoding: chunked\r\n", body }));
    await until(() => client.rest.endsWith("X-Sum: 1\r\n\r\n"));
    expect(client.rest.slice(client.rest.indexOf("\r\n\r\n") + 4)).toBe(body);
    expect(client.rest).toContain("Transfer-Encoding: chunked\r\n");
    expect(origin.connections[0]?.received).toContain(`\r\n\r\n${body}`);
  });

  test("keeps the connection after HEAD, 204 and 304, whatever length they state", async () => {
    const heads = ["200 OK\r\nContent-Length: 999", "304 Not Modified\r\nContent-Length: 999", "204 No Content"];
    const origin = await startOrigin(
      ({ socket }) => void socket.write(`HTTP/1.1 ${heads.shift() ?? "200 OK\r\nContent-Length: 0"}\r\n\r\n`),
    );
    const client = await open();
    client.send(request(origin, { method: "HEAD" }));
    expect(await client.answer({ isHead: true })).toMatchObject({ status: 200, headers: { "content-length": "999" } });
    expect([(await client.ask(request(origin))).status, (await client.ask(request(origin))).status]).toEqual([304, 204]);
    expect((await client.ask(request(origin))).status).toBe(200);
    expect(origin.connections).toHaveLength(1);
  });

  test("ends the connection after a body that ends by closing, and breaks off when it is reset", async () => {
    const origin = await startOrigin(({ socket }, text) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\nto the end");
      if (!text.includes("/reset")) socket.end();
    });
    const whole = await exchange(rig.proxy.proxyPort, request(origin));
    expect(readAnswer(whole)).toMatchObject({ body: "to the end", headers: { connection: "close" } });
    const client = await open();
    client.send(request(origin, { path: "/reset" }));
    await until(() => client.rest.endsWith("to the end"));
    origin.connections[1]?.socket.resetAndDestroy();
    await until(() => client.socket.destroyed);
    expect(client.hasEnded).toBe(false);
  });

  test("asks as HTTP/1.0 for a client that speaks it, and gives it no interim answers", async () => {
    const origin = await startOrigin(({ socket }) => void socket.write(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok()}`));
    const bytes = await exchange(rig.proxy.proxyPort, request(origin).replace("HTTP/1.1", "HTTP/1.0"));
    expect(readAnswer(bytes)).toMatchObject({ status: 200, body: "ok", headers: { connection: "close" } });
    expect(origin.connections[0]?.received).toMatch(/^GET \/ HTTP\/1\.0\r\n/);
  });

  test("takes the chunks away from an answer for a client that knows none, and closes behind it", async () => {
    const origin = await startOrigin(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      setImmediate(() => socket.write("6;x\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"));
    });
    const answer = readAnswer(
      await exchange(rig.proxy.proxyPort, request(origin, { fields: "Connection: keep-alive\r\n" }).replace("HTTP/1.1", "HTTP/1.0")),
    );
    expect(answer).toMatchObject({ status: 200, body: "hello world", headers: { connection: "close" } });
    expect(answer.headers).not.toHaveProperty("transfer-encoding");
  });

  test("passes 103 and 100 on, and the body that waited for it", async () => {
    const origin = await startOrigin(({ socket, received }, text) => {
      if (text.includes("Expect: 100-continue"))
        socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
      if (received.endsWith("body")) socket.write(ok());
    });
    const client = await open();
    client.send(request(origin, { method: "POST", fields: "Content-Length: 4\r\nExpect: 100-continue\r\n" }));
    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([103, 100]);
    expect(await client.ask("body")).toMatchObject({ status: 200, headers: { connection: "keep-alive" } });
  });

  test("passes an answer on that comes without the body, and closes, because nobody knows where the next request begins", async () => {
    const origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"));
    const waiting = await open();
    const answer = await waiting.ask(request(origin, { method: "POST", fields: "Content-Length: 4\r\nExpect: 100-continue\r\n" }));
    expect(answer).toMatchObject({ status: 417, headers: { connection: "close" } });
    await until(() => waiting.hasEnded);
    const sending = await open();
    sending.send(request(origin, { method: "POST", fields: "Content-Length: 100000\r\n", body: "half of it" }));
    expect((await sending.answer()).status).toBe(417);
    await until(() => sending.hasEnded && origin.connections[1]?.isClosed);
  });

  test.each([
    ["more than 10 interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(11), "interim"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "Content-Length"],
    ["a length and a coding", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both"],
    ["a folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded"],
    ["bare line feeds", "HTTP/1.1 200 OK\nA: b\n\n", "LF"],
    ["a chunk that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk"],
    [
      "a protocol that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      "protocol",
    ],
    ["a head without end", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(70_000)}`, "too long"],
    ["no HTTP", "SSH-2.0-OpenSSH_9\r\n", "status line"],
  ])("an answer with %s is target_reset, not billed, and is named", async (_what, bytes, word) => {
    const origin = await startOrigin(({ socket }) => void socket.write(bytes));
    const raw = await exchange(rig.proxy.proxyPort, request(origin));
    const { status, headers, body } = readAnswer(raw.subarray(raw.indexOf("HTTP/1.1 502")));
    expect([status, headers["x-error-code"]]).toEqual([502, "target_reset"]);
    expect(body).toContain(word);
    expect(JSON.parse(body)).toMatchObject({ billed: false });
  });
});

describe("upgrades", () => {
  const upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n";
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: xyz\r\n\r\n";

  test("WebSocket becomes a pipe both ways, metered as one session", async () => {
    const origin = await startOrigin(
      ({ socket }, text) => void socket.write(text.startsWith("GET") ? `${switching}first` : `echo ${text}`, "latin1"),
    );
    const client = await open();
    client.send(request(origin, { fields: upgrade }));
    const answer = await client.answer();
    expect(answer).toMatchObject({ status: 101, headers: { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": "xyz" } });
    expect(idOf(answer)).toMatch(/^ses_/);
    await until(() => client.rest === "first");
    client.send("\x81\x00raw");
    await until(() => client.rest === "firstecho \x81\x00raw");
    expect(origin.connections[0]?.received).toContain("Connection: Upgrade\r\n");
    client.socket.end();
    const row = await sessionRow(idOf(answer));
    expect(row).toMatchObject({
      protocol: "http",
      close_reason: "finished",
      up_bytes: BigInt(origin.connections[0]?.received.length ?? 0),
      down_bytes: BigInt(switching.length + "first".length + "echo \x81\x00raw".length),
    });
  });

  test("an answer other than 101 is an ordinary answer", async () => {
    const origin = await startOrigin(({ socket }) => void socket.write(ok("plain", "Upgrade: websocket\r\nConnection: Upgrade\r\n")));
    const client = await open();
    const answer = await client.ask(request(origin, { fields: upgrade }));
    expect(answer).toMatchObject({ status: 200, body: "plain", headers: { connection: "keep-alive" } });
    expect(answer.headers).not.toHaveProperty("upgrade");
    expect((await client.ask(request(origin))).body).toBe("plain");
  });

  test.each(["h2c", "websocket, h2c", "h2c, websocket", "TLS/1.0"])("Upgrade: %s is not passed on", async (protocol) => {
    const origin = await startOrigin(answersOk);
    const client = await open();
    const fields = `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n`;
    expect((await client.ask(request(origin, { fields }))).status).toBe(200);
    expect(origin.connections[0]?.received.toLowerCase()).not.toMatch(/upgrade|http2|h2c/);
  });
});
