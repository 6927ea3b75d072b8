/** What well-behaved programs and nodes send, by parser: where fuzzing starts from. Names and keys are made up. */
import { encodeControl } from "../tunnel/control.ts";
import { encodeFrame, frameTypes } from "../tunnel/frame.ts";
import { encodeGoAway, encodeOpen, encodeOpened } from "../tunnel/stream-frames.ts";
import { writeProxyHeaderV1 } from "../proxy-protocol/proxy-header.ts";
import type { Injuries } from "./injure.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const lines = (...all: readonly string[]): Buffer => latin1(`${all.join("\r\n")}\r\n\r\n`);
const credentials = `Basic ${latin1("alice-country-de-session-cart7:pxkAbCdEfGhIjKlMnOpQrStUvWx").toString("base64")}`;

export const requestHeads: Injuries = {
  corpus: [
    lines(
      "GET http://shop.example/a?b=c HTTP/1.1",
      "Host: shop.example",
      `Proxy-Authorization: ${credentials}`,
      "User-Agent: curl/7.88.1",
      "Accept: */*",
      "Proxy-Connection: Keep-Alive",
    ),
    lines(
      "POST http://shop.example:8080/up HTTP/1.1",
      "Host: shop.example:8080",
      "Content-Length: 12",
      "Expect: 100-continue",
      "Connection: close, x-own",
      "X-Own: 1",
    ),
    lines("PUT http://[2001:db8::1]:80/ HTTP/1.1", "Host: [2001:db8::1]", "Transfer-Encoding: chunked", "TE: trailers", "Trailer: x-sum"),
    lines(
      "CONNECT shop.example:443 HTTP/1.1",
      "Host: shop.example:443",
      `Proxy-Authorization: ${credentials}`,
      "User-Agent: Go-http-client/1.1",
    ),
    lines("CONNECT 192.0.2.1:443 HTTP/1.0"),
    lines("OPTIONS * HTTP/1.1", "Host: shop.example"),
    lines("GET /path HTTP/1.0", "Connection: keep-alive"),
    lines(
      "GET ws://shop.example/socket HTTP/1.1",
      "Host: shop.example",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
    ),
    lines("HEAD http://shop.example HTTP/1.1", "Host: shop.example", "Cookie: a=b; c=d", "Accept-Encoding: gzip, deflate, br"),
  ],
  words: [
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity, chunked\r\n",
    "Host: other.example\r\n",
    "Proxy-Authorization: Basic YTpi\r\n",
    "Connection: content-length\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/2.0",
    "http://",
    "https://",
    "@",
    "[::1%25lo]",
    ":0",
    ":65536",
    "%0d%0a",
    "CONNECT ",
    "TRACE ",
    "\0",
    "\x0b",
  ],
};

export const responseHeads: Injuries = {
  corpus: [
    lines("HTTP/1.1 200 OK", "Content-Length: 1256", "Content-Type: text/html", "Connection: keep-alive"),
    lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: x-sum"),
    lines("HTTP/1.0 200 OK", "Server: old"),
    lines("HTTP/1.1 100 Continue"),
    lines("HTTP/1.1 103 Early Hints", "Link: </a.css>; rel=preload"),
    lines("HTTP/1.1 204 No Content"),
    lines("HTTP/1.1 304 Not Modified", "Content-Length: 99", 'ETag: "a"'),
    lines("HTTP/1.1 502", "Content-Length: 0"),
    lines("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked", "Set-Cookie: a=1", "Set-Cookie: b=2"),
  ],
  words: [
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "HTTP/1.1 ",
    "Connection: close\r\n",
    "x-px-exit-ip: 1.2.3.4\r\n",
    "x-px-exit-ip\r\n",
  ],
};

export const chunkedBodies: Injuries = {
  corpus: [
    latin1("5\r\nhello\r\n0\r\n\r\n"),
    latin1("5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\nGET / HTTP/1.1\r\n"),
    latin1("0\r\n\r\n"),
    Buffer.concat([latin1("1000\r\n"), Buffer.alloc(4_096, 1), latin1("\r\n00a\r\n0123456789\r\n0000\r\n\r\n")]),
  ],
  words: ["0\r\n\r\n", "\r\n", "7fffffffffffffff\r\n", "fffffffffff\r\n", "0x5\r\n", "-1\r\n", " 5\r\n", "5 \r\n", ";", "X: y\r\n"],
};

const greeting = Buffer.from([5, 2, 0, 2]);
const login = (user: string, password: string): Buffer =>
  Buffer.concat([Buffer.from([1, user.length]), latin1(user), Buffer.from([password.length]), latin1(password)]);
const named = (host: string, port: number): Buffer =>
  Buffer.concat([Buffer.from([5, 1, 0, 3, host.length]), latin1(host), Buffer.from([port >>> 8, port & 255])]);

export const socksDialogues: Injuries = {
  corpus: [
    Buffer.concat([greeting, login("alice-country-de", "pxkAbCdEfGhIjKlMnOpQrStUvWx"), named("shop.example", 443)]),
    Buffer.concat([greeting, login("a".repeat(255), "b".repeat(255)), named("c".repeat(255), 80)]),
    Buffer.concat([Buffer.from([5, 1, 2]), login("alice", "x"), Buffer.from([5, 1, 0, 1, 192, 0, 2, 1, 0, 80])]),
    Buffer.concat([
      greeting,
      login("alice", "x"),
      Buffer.from([5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 187]),
    ]),
    Buffer.concat([greeting, login("alice", "x"), Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0])]),
    Buffer.from([5, 1, 0]),
  ],
};

const four = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const nodeFrames: Injuries = {
  corpus: [
    encodeFrame(frameTypes.opened, 1, encodeOpened({ window: 65_536, connectMs: 12, address: "192.0.2.1" })),
    encodeFrame(frameTypes.opened, 3, encodeOpened({ window: 65_536, connectMs: 12, address: "2001:db8::1" })),
    encodeFrame(frameTypes.open, 1, encodeOpen({ window: 65_536, host: "shop.example", port: 443 })),
    encodeFrame(frameTypes.open, 5, encodeOpen({ window: 4_194_304, host: "a".repeat(255), port: 1 })),
    encodeFrame(frameTypes.data, 1, Buffer.alloc(900, 7)),
    encodeFrame(frameTypes.data, 1, Buffer.alloc(16_376, 7)),
    encodeFrame(frameTypes.window, 1, four(65_536)),
    encodeFrame(frameTypes.fin, 1),
    encodeFrame(frameTypes.rst, 1, Buffer.from([4])),
    encodeFrame(frameTypes.ping, 0, four(1)),
    encodeFrame(frameTypes.pong, 0, four(1)),
    encodeFrame(frameTypes.goAway, 0, encodeGoAway({ lastStreamId: 1, reason: 0 })),
    encodeFrame(200, 0, Buffer.from("a frame of a later version")),
    encodeFrame(
      frameTypes.auth,
      0,
      encodeControl("auth", {
        nodeId: "nod_1",
        keyId: "key_1",
        bootId: "boot",
        sessionSeq: 1,
        signature: "AA",
        agentVersion: "1",
        platform: "test",
        model: "test",
      }),
    ),
    encodeFrame(
      frameTypes.status,
      0,
      encodeControl("status", {
        batteryPercent: 80,
        isCharging: false,
        network: "wifi",
        isMetered: false,
        dayBytes: 9_007_199_254_740_991,
        dayLimitBytes: null,
        accepting: true,
        reason: null,
      }),
    ),
    encodeFrame(frameTypes.withdraw, 0, encodeControl("withdraw", {})),
  ],
  words: [
    "\x00\x00\x3f\xf9\x00\x00\x00\x01",
    "\x00\x00\x00\x00\x00\x00\x00\x01",
    "\x05\x00\x00\x04\x00\x00\x00\x01\x7f\xff\xff\xff",
    "\x7f\x00\x00\x00\x00\x00\x00\x00",
    "\x80\x00\x10\x01\x00\x00\x00\x00",
    "\xff\xff\xff\xff\xff\xff\xff\xff",
    "[[[[[[[[",
    '{"a":',
    "1e999",
    "__proto__",
  ],
};

export const proxyHeaders: Injuries = {
  corpus: [
    writeProxyHeaderV1({ sourceAddress: "192.0.2.1", sourcePort: 5_000, destinationAddress: "192.0.2.2", destinationPort: 7_000 }),
    writeProxyHeaderV1({ sourceAddress: "2001:db8::1", sourcePort: 5_000, destinationAddress: "2001:db8::2", destinationPort: 7_000 }),
    latin1("PROXY UNKNOWN\r\n"),
    latin1("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"),
    Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000201c000020213881b58", "hex"),
    Buffer.from(`0d0a0d0a000d0a515549540a2121002a${"20010db8".padEnd(32, "0")}${"20010db8".padEnd(32, "1")}13881b5803000400000000`, "hex"),
    Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex"),
    Buffer.from(`0d0a0d0a000d0a515549540a21110fff${"00".repeat(4_095)}`, "hex"),
  ],
  words: ["PROXY TCP4 ", "PROXY TCP6 ", "65536", "0.0.0.0", "::ffff:1.2.3.4", "%lo", "\r\n\r\n\0\r\nQUIT\n"],
};

export const usernames: Injuries = {
  corpus: [
    "alice",
    "alice-country-de-session-cart-7-ttl-30m",
    "alice-cc-us-st-us_california-city-new_york-type-mobile",
    "alice-country-us.ca-asn-56386-isp-uz-telecom-carrier-beeline",
    "alice-hardsession-a-idle-30-fallback-country-uniq-g1-tag-t1-max-100",
    "brd-customer-hl_1-zone-alice-country-us-session-x",
    "customer-alice-cc-US-city-new_york-sessid-x-sesstime-30",
    "user-alice-country-us-session-x-sessionduration-30",
    "package-alice-country-us-sessionid-x-sessionlength-300",
    "alice__cr.us;sessid.x;sessttl.30",
    "alice-rotate",
  ].map(latin1),
  words: [
    "-",
    "--",
    "-country-",
    "-session-",
    "-ttl-99999999999999999999",
    "-ttl-0",
    "-max-1e9",
    "-asn-4294967296",
    "__proto__",
    "-constructor-",
    "-toString-x",
    "country",
    "zz",
    "\r\nX: y",
    "\0",
  ],
};
