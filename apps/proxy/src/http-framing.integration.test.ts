import { until } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { carriedRequests, fillIn, refusedRequests, smuggled } from "./test/hostile-requests.ts";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { startRawOrigin } from "./test/raw-origin.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

let rig: Rig;
let login: Login;
let target = "";
let auth = "";
beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  await rig.addNode();
  target = `127.0.0.1:${rig.origin.port}`;
  auth = basic(login.username, login.password);
});
afterAll(() => rig.close());

/** What the origin, with a parser that is not ours, read from one hostile connection: method, path, bytes of body. */
async function attack(raw: string): Promise<{ statuses: number[]; seen: string[]; closed: boolean; text: string }> {
  const before = rig.origin.requests.length;
  const socket = await dial(rig.proxy.proxyPort);
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("end", () => (closed = true));
  socket.on("close", () => (closed = true));
  socket.write(raw, "latin1");
  socket.end();
  await until(() => closed, { what: `an end of ${JSON.stringify(raw.slice(0, 80))}` });
  socket.destroy();
  const text = Buffer.concat(chunks).toString("latin1");
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  const seen = rig.origin.requests.slice(before).map(({ method, url, bodyBytes }) => `${method} ${url} ${bodyBytes}`);
  return { statuses, seen, closed, text };
}

const fill = (raw: string): string => fillIn(raw, target, auth);

describe("hostile bytes", () => {
  test.each(refusedRequests)("%s: refused, closed, nothing behind it read", async (_what, raw, word) => {
    const { statuses, seen, text } = await attack(fill(`${raw}${smuggled}`));
    expect({ statuses, seen }).toEqual({ statuses: [400], seen: [] });
    expect(text).toContain('"code":"bad_request"');
    expect(text).toContain(word);
    expect(text).not.toContain("xkWRONG");
    expect(text).not.toContain(login.password);
    expect(text.toLowerCase()).toContain("connection: close");
  });

  test.each(carriedRequests)("%s: carried as one reading", async (_what, raw, wanted) => {
    const { statuses, seen } = await attack(fill(raw));
    expect({ statuses, seen }).toEqual({ statuses: wanted.map(() => 200), seen: [...wanted] });
  });

  test.each([...refusedRequests.filter(([, raw]) => raw.length < 400), ...carriedRequests])(
    "%s: the same one byte at a time",
    async (_what, raw, wanted) => {
      const bytes = Buffer.from(fill(raw), "latin1");
      const before = rig.origin.requests.length;
      const socket = await dial(rig.proxy.proxyPort);
      socket.setNoDelay(true);
      const chunks: Buffer[] = [];
      const end = { isThere: false };
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => (end.isThere = true));
      socket.on("close", () => (end.isThere = true));
      for (let at = 0; at < bytes.length && !end.isThere; at += 1) {
        socket.write(bytes.subarray(at, at + 1));
        if (at % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end();
      await until(() => end.isThere, { what: "an end" });
      socket.destroy();
      const statuses = [
        ...Buffer.concat(chunks)
          .toString("latin1")
          .matchAll(/HTTP\/1\.1 (\d{3}) /g),
      ].map(([, status]) => Number(status));
      expect(statuses).toEqual(typeof wanted === "string" ? [400] : wanted.map(() => 200));
      expect(rig.origin.requests.length - before).toBe(typeof wanted === "string" ? 0 : wanted.length);
    },
  );
});

test("of 34 fields for one hop or for the proxy none reaches the target, and none is added", async () => {
  const origin = await startRawOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const leaks = [
    "Proxy-Connection: keep-alive",
    "Proxy-Authenticate: Basic",
    "Proxy-Authentication-Info: x",
    "Proxy-Foo: 1",
    "PROXY-BAR: 1",
    "Proxy-Status: x",
    "Proxy-Features: x",
    "Proxy-Instruction: x",
    "Proxy: http://evil/",
    "Keep-Alive: timeout=5",
    "keep-alive: max=9",
    "TE: trailers",
    "te: gzip",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABk",
    "Connection: close, x-one, X-Two",
    "Connection: x-three",
    "connection: ,x-four ,, x-five",
    ...["X-One", "x-one", "X-Two", "x-two", "X-Three", "X-Four", "X-Five", "X-FIVE"].map((name) => `${name}: secret`),
    ...["cookie-like", "x-hop-1", "x-hop-2", "x-hop-3", "x-hop-4", "x-hop-5", "x-hop-6"].map((name) => `${name}: secret`),
  ];
  const hops = "Connection: cookie-like, x-hop-1, x-hop-2, x-hop-3, x-hop-4, x-hop-5, x-hop-6";
  const head = `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: other.example\r\n${auth}${[...leaks, hops].join("\r\n")}\r\nAccept: */*\r\nX-Kept: 1\r\n\r\n`;
  expect(readAnswer(await exchange(rig.proxy.proxyPort, head)).status).toBe(200);
  const received = origin.connections[0]?.received ?? "";
  await origin.close();
  expect(received).toBe(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nAccept: */*\r\nX-Kept: 1\r\nConnection: close\r\n\r\n`);
});
