import { until } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

/** `@` stands for the target's authority, `#` for the credentials. A request that is smuggled asks for `/smuggled`. */
const fill = (raw: string): string => raw.replaceAll("@", target).replaceAll("#", auth);
const smuggled = "GET http://@/smuggled HTTP/1.1\r\nHost: a\r\n#\r\n";
const chunkedPost = (body: string): string => `POST http://@/p HTTP/1.1\r\nHost: a\r\n#Transfer-Encoding: chunked\r\n\r\n${body}`;
const post = (fields: string, body: string): string => `POST http://@/p HTTP/1.1\r\nHost: a\r\n#${fields}\r\n\r\n${body}`;
const get = (fields: string): string => `GET http://@/g HTTP/1.1\r\nHost: a\r\n#${fields}\r\n`;

/** Refused with 400, the connection closed, nothing behind it read, and the guilty part named. */
const refused: readonly (readonly [string, string, string])[] = [
  [
    "a length and a coding",
    post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    "both Content-Length and Transfer-Encoding",
  ],
  [
    "a coding and a length",
    post("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n"),
    "both Content-Length and Transfer-Encoding",
  ],
  ["an unknown coding", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), "Transfer-Encoding"],
  ["chunked that is not last", post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"), "Transfer-Encoding"],
  ["chunked behind another coding", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), "Transfer-Encoding"],
  ["two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"), "Transfer-Encoding"],
  ["an empty coding", post("Transfer-Encoding:", "0\r\n\r\n"), "Transfer-Encoding"],
  ["a coding with a vertical tab", post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"), "control character"],
  ["a coding in HTTP/1.0", chunkedPost("0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"), "HTTP/1.0"],
  ["two lengths that differ", post("Content-Length: 0\r\nContent-Length: 5", "abcde"), "Content-Length"],
  ["two lengths that agree", post("Content-Length: 5\r\nContent-Length: 5", "abcde"), "Content-Length"],
  ["a list of lengths", post("Content-Length: 5, 5", "abcde"), "Content-Length"],
  ["a length with a sign", post("Content-Length: +5", "abcde"), "Content-Length"],
  ["a length below zero", post("Content-Length: -5", "abcde"), "Content-Length"],
  ["a length in hexadecimal", post("Content-Length: 0x5", "abcde"), "Content-Length"],
  ["a length with an underscore", post("Content-Length: 1_0", "abcdeabcde"), "Content-Length"],
  ["an empty length", post("Content-Length:", ""), "Content-Length"],
  ["a length of 2^63", post("Content-Length: 9223372036854775808", "abcde"), "Content-Length"],
  ["a length over 2^64", post("Content-Length: 18446744073709551621", "abcde"), "Content-Length"],
  ["a blank before the colon", get("X : 1\r\n"), "name"],
  ["a blank before the colon of a length", post("Content-Length : 5", "abcde"), "name"],
  ["a blank before the first field", `GET http://@/g HTTP/1.1\r\n Host: a\r\n#\r\n`, "folded"],
  ["a folded field", get("X: 1\r\n 2\r\n"), "folded"],
  ["a folded coding", post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"), "folded"],
  ["lines that end in LF", "GET http://@/g HTTP/1.1\nHost: a\n\n", "LF"],
  ["one line that ends in LF", get("X: 1\n"), "LF"],
  ["an end of the head in LF LF", get("X: 1\r\n\n"), "LF"],
  ["a bare CR in a value", get("X: 1\rY: 2\r\n"), "control character"],
  ["a bare CR before the end", get("X: 1\r\r\n"), "control character"],
  ["a NUL in a value", get("X: 1\x002\r\n"), "control character"],
  ["a NUL in a name", get("X\x00: 1\r\n"), "name"],
  ["an empty name", get(": x\r\n"), "name"],
  ["a name with a bracket", get("X(: 1\r\n"), "name"],
  ["a line without a colon", get("nonsense\r\n"), "colon"],
  ["CR CR LF", get("\rX: y\r\n"), "name"],
  ["no Host", "GET http://@/g HTTP/1.1\r\n#\r\n", "no Host"],
  ["two Hosts", get("Host: b\r\n"), "two Host"],
  ["a Host with a blank", "GET http://@/g HTTP/1.1\r\nHost: a b\r\n#\r\n", "Host"],
  ["two credentials", get("#"), "two Proxy-Authorization"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version"],
  ["HTTP/9.9", get("").replace("HTTP/1.1", "HTTP/9.9"), "version"],
  ["HTTP/1.10", get("").replace("HTTP/1.1", "HTTP/1.10"), "version"],
  ["no version", "GET http://@/g\r\nHost: a\r\n\r\n", "version"],
  ["a tab between method and target", get("").replace("GET ", "GET\t"), "method"],
  ["two blanks", get("").replace("GET ", "GET  "), "request line"],
  ["a fourth word", get("").replace(" HTTP/1.1", " x HTTP/1.1"), "request line"],
  ["TRACE", get("").replace("GET", "TRACE"), "TRACE"],
  ["a user in the URL", get("").replace("http://", "http://u:p~"), "user name"],
  ["a fragment", get("").replace("/g", "/g#x"), "target"],
  ["another scheme", get("").replace("http:", "gopher:"), "scheme"],
  ["an empty port", "GET http://127.0.0.1:/g HTTP/1.1\r\nHost: a\r\n#\r\n", "port"],
  ["a port with a zero before", "GET http://127.0.0.1:080/g HTTP/1.1\r\nHost: a\r\n#\r\n", "port"],
  ["CONNECT with a length", "CONNECT @ HTTP/1.1\r\nHost: a\r\n#Content-Length: 3\r\n\r\nabc", "CONNECT announces a body"],
  ["CONNECT with a coding", "CONNECT @ HTTP/1.1\r\nHost: a\r\n#Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "CONNECT announces a body"],
  ["CONNECT with a length of 0", "CONNECT @ HTTP/1.1\r\nHost: a\r\n#Content-Length: 0\r\n\r\n", "CONNECT announces a body"],
  ["CONNECT to a URL", "CONNECT http://@/ HTTP/1.1\r\nHost: a\r\n#\r\n", "host"],
  ["CONNECT with a user", "CONNECT u:p~@ HTTP/1.1\r\nHost: a\r\n#\r\n", "user name"],
  ["CONNECT to two", "CONNECT @ b:1 HTTP/1.1\r\nHost: a\r\n#\r\n", "request line"],
  ["a size with 0x", chunkedPost("0x1\r\nX\r\n0\r\n\r\n"), "size"],
  ["a size that overflows", chunkedPost("7fffffffffffffff1\r\nX"), "size"],
  ["a size of 2^63 - 1", chunkedPost("7fffffffffffffff\r\nX"), "size"],
  ["a size below zero", chunkedPost("-1\r\nX\r\n0\r\n\r\n"), "size"],
  ["a size with a blank behind", chunkedPost("1 \r\nX\r\n0\r\n\r\n"), "size"],
  ["no size", chunkedPost("\r\nX\r\n0\r\n\r\n"), "size"],
  ["a size that ends in LF", chunkedPost("1\nX\n0\n\n"), "size"],
  ["an extension that ends in LF", chunkedPost("1;a\nX\r\n0\r\n\r\n"), "extension"],
  ["a chunk that ends in LF", chunkedPost("1\r\nX\n0\r\n\r\n"), "chunk does not end"],
  ["a chunk longer than its size", chunkedPost("1\r\nXYZ\r\n0\r\n\r\n"), "chunk does not end"],
  ["a coding as a trailer", chunkedPost("0\r\nTransfer-Encoding: chunked\r\n\r\n"), "trailer"],
  ["a length as a trailer", chunkedPost("0\r\nContent-Length: 5\r\n\r\n"), "trailer"],
  ["credentials as a trailer", chunkedPost("0\r\nProxy-Authorization: Basic eDp5\r\n\r\n"), "trailer"],
  ["a trailer without a colon", chunkedPost("0\r\nGET / HTTP/1.1\r\n\r\n"), "trailer"],
  ["101 fields", get("X: y\r\n".repeat(99)), "too many"],
  ["a URL over 8 KiB", get("").replace("/g", `/${"g".repeat(8_192)}`), "8192"],
  ["a head over 16 KiB", get(`X: ${"y".repeat(16_384)}\r\n`), "too long"],
];

/** Carried, each as what the origin must have seen and nothing else. */
const carried: readonly (readonly [string, string, readonly string[]])[] = [
  ["a coding in capitals", post("Transfer-Encoding: CHUNKED", "3\r\nabc\r\n0\r\n\r\n"), ["POST /p 3"]],
  ["another Host than the URL's", get("").replace("Host: a", "Host: evil.example"), ["GET /g 0"]],
  ["GET with a body and a request behind it", `${get("Content-Length: 3\r\n")}abc${get("")}`, ["GET /g 3", "GET /g 0"]],
  ["a Connection field that names the length", post("Content-Length: 3\r\nConnection: close, content-length", "abc"), ["POST /p 3"]],
  [
    "a Connection field that names the coding",
    `${post("Transfer-Encoding: chunked\r\nConnection: keep-alive, transfer-encoding", "3\r\nabc\r\n0\r\n\r\n")}${get("")}`,
    ["POST /p 3", "GET /g 0"],
  ],
  ["Upgrade: h2c", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"), ["GET /g 0"]],
  [
    "a request that looks like a body",
    post(`Content-Length: ${smuggled.length}`, smuggled.replaceAll("@", "~").replaceAll("#", "~")),
    [`POST /p ${smuggled.length}`],
  ],
  ["a request inside a chunk", chunkedPost(`14\r\nGET /smuggled HTTP/1\r\n0\r\n\r\n`), ["POST /p 20"]],
  ["zeros before a size", chunkedPost("0000000003\r\nabc\r\n000\r\n\r\n"), ["POST /p 3"]],
  ["an extension in quotes", chunkedPost('3;a="0;b"\r\nabc\r\n0;c\r\n\r\n'), ["POST /p 3"]],
  ["a trailer", `${chunkedPost("3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")}${get("")}`, ["POST /p 3", "GET /g 0"]],
  ["an empty line before the request", `\r\n${get("")}`, ["GET /g 0"]],
  ["a POST without any framing", `${post("X: y", "")}${get("")}`, ["POST /p 0", "GET /g 0"]],
  ["a method that is seldom used", get("").replace("GET", "REPORT"), ["REPORT /g 0"]],
];

describe("hostile bytes", () => {
  test.each(refused)("%s: refused, closed, nothing behind it read", async (_what, raw, word) => {
    const { statuses, seen, text } = await attack(fill(`${raw}${smuggled}`).replaceAll("~", "@"));
    expect({ statuses, seen }).toEqual({ statuses: [400], seen: [] });
    expect(text).toContain('"code":"bad_request"');
    expect(text).toContain(word);
    expect(text).not.toContain("xkWRONG");
    expect(text).not.toContain(login.password);
    expect(text.toLowerCase()).toContain("connection: close");
  });

  test.each(carried)("%s: carried as one reading", async (_what, raw, wanted) => {
    const { statuses, seen } = await attack(fill(raw).replaceAll("~", "@"));
    expect({ statuses, seen }).toEqual({ statuses: wanted.map(() => 200), seen: [...wanted] });
  });

  test.each([...refused.filter(([, raw]) => raw.length < 400), ...carried])(
    "%s: the same one byte at a time",
    async (_what, raw, wanted) => {
      const bytes = Buffer.from(fill(raw).replaceAll("~", "@"), "latin1");
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
