import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findProxyAuthorization, type HttpRequestHead, readBasicCredentials, readRequestHead, readResponseHead } from "../index.ts";
import { feedByBytes, feedInParts, sameAnswer } from "../test-splits.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const reasonOf = (text: string): string => {
  const answer = readRequestHead(bytes(text));
  return answer.kind === "malformed" ? answer.reason : answer.kind;
};
function requestOf(text: string): HttpRequestHead {
  const answer = readRequestHead(bytes(text));
  if (answer.kind !== "message") throw new Error(`${answer.kind} for ${text}`);
  return answer.message;
}

describe("readRequestHead", () => {
  // Every case of the security design's probe that concerns the head, and what is said to it.
  const hostile: readonly (readonly [string, string, string])[] = [
    [
      "a length and a coding",
      "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
      "length-and-transfer-encoding",
    ],
    ["an unknown coding", "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "transfer-encoding"],
    ["chunked, identity", "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", "transfer-encoding"],
    [
      "two codings",
      "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
      "transfer-encoding",
    ],
    ["a coding in 1.0", "POST http://a/ HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-in-1.0"],
    ["two lengths that differ", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", "content-length"],
    ["two lengths that agree", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "content-length"],
    ["a list of lengths", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", "content-length"],
    ["a signed length", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "content-length"],
    ["an empty length", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "content-length"],
    ["a length over 2^64", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n", "content-length"],
    ["a blank before the colon", "GET http://a/ HTTP/1.1\r\nHost : a\r\n\r\n", "field-name"],
    ["a blank before the first field", "GET http://a/ HTTP/1.1\r\n Host: a\r\n\r\n", "folded-field"],
    ["a folded field", "GET http://a/ HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", "folded-field"],
    ["bare line feeds", "GET http://a/ HTTP/1.1\nHost: a\n\n", "bare-line-feed"],
    ["a bare line feed at the end", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\n", "bare-line-feed"],
    ["a bare carriage return", "GET http://a/ HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n", "field-value"],
    ["a NUL", "GET http://a/ HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n", "field-value"],
    ["an empty field name", "GET http://a/ HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "field-name"],
    ["a field without a colon", "GET http://a/ HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", "field-without-colon"],
    ["CR CR LF", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", "field-name"],
    ["no Host", "GET http://a/ HTTP/1.1\r\n\r\n", "no-host"],
    ["two Hosts", "GET http://a/ HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "two-hosts"],
    ["a Host of colons", "GET http://a/ HTTP/1.1\r\nHost: :::\r\n\r\n", "host"],
    ["a Host whose port is none", "GET http://a/ HTTP/1.1\r\nHost: a:0b\r\n\r\n", "host"],
    ["a Host with half a bracket", "GET http://a/ HTTP/1.1\r\nHost: [::1\r\n\r\n", "host"],
    ["a Host with a blank", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", "host"],
    ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version"],
    ["HTTP/9.9", "GET http://a/ HTTP/9.9\r\nHost: a\r\n\r\n", "version"],
    ["a lower-case version", "GET http://a/ http/1.1\r\nHost: a\r\n\r\n", "version"],
    ["a fourth word", "GET http://a/ b HTTP/1.1\r\nHost: a\r\n\r\n", "request-line"],
    ["two blanks", "GET  http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "request-line"],
    ["TRACE", "TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "trace-refused"],
    [
      "two credentials",
      "GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic a\r\nProxy-Authorization: Basic b\r\n\r\n",
      "two-proxy-authorizations",
    ],
    ["a method with a control character", "G\x01T http://a/ HTTP/1.1\r\n\r\n", "method"],
    ["binary noise", "\x16\x03\x01\x02\0\x01", "method"],
    ["a user in the URL", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "user-information"],
    ["a fragment", "GET http://a/#x HTTP/1.1\r\nHost: a\r\n\r\n", "target"],
    ["another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "scheme"],
    ["a scheme that is a name of Object", "GET constructor://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "scheme"],
    ["an empty port", "GET http://a:/ HTTP/1.1\r\nHost: a\r\n\r\n", "port"],
    ["a control character in the target", "GET http://a/\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "target"],
    ["an asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target"],
    ["CONNECT with a length", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 3\r\n\r\n", "connect-with-body"],
    ["CONNECT with a coding", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n", "connect-with-body"],
  ];
  test.each(hostile)("refuses %s", (_name, text, reason) => {
    expect(reasonOf(text)).toBe(reason);
    const answer = feedByBytes(readRequestHead, bytes(text));
    expect(answer).toEqual({ kind: "malformed", reason });
  });

  // The grammar of the CONNECT target.
  test.each([
    "a",
    "a:",
    "/x",
    "u:p@a:443",
    "u@a:443",
    "http://a:443/",
    "http://a:443",
    "[fe80::1%25eth0]:443",
    "[fe80::1%eth0]:443",
    "[::1]",
    "[::1]:",
    "[::1:443",
    "::1:443",
    "::1]:443",
    "a:0",
    "a:00",
    "a:080",
    "a:007",
    "a:65536",
    "a:99999",
    "a:443443",
    "a:-1",
    "a:+1",
    "a:1e3",
    "a:0x50",
    "a:44 3",
    "a:443/",
    "a:443?x",
    "a:443#x",
    "a:443:443",
    ":443",
    "a b:443",
    "a,b:443",
    "a_b:443;",
    "a%2e:443",
    "é:443",
    "[a]:443",
    "[]:443",
    "[1.2.3.4]:x",
    "*",
    "a:４４３",
    "a\\b:443",
    "a:443\t",
    "(a):443",
    "a!:443",
    "a=b:443",
    "a&b:443",
    "a'b:443",
    'a"b:443',
    "<a>:443",
    "{a}:443",
  ])("refuses CONNECT %s", (target) => {
    expect(["port", "authority", "target", "user-information", "request-line", "version"]).toContain(
      reasonOf(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n`),
    );
  });

  test.each([
    ["a:443", "a", 443],
    ["example.com:1", "example.com", 1],
    ["1.2.3.4:65535", "1.2.3.4", 65_535],
    ["[2001:db8::1]:443", "2001:db8::1", 443],
    ["a_b-c.d:80", "a_b-c.d", 80],
    ["[::ffff:127.0.0.1]:443", "::ffff:127.0.0.1", 443],
    ["2130706433:80", "2130706433", 80],
    ["A.Example.:443", "A.Example.", 443],
  ])("takes CONNECT %s and leaves the host to the destination policy", (target, host, port) => {
    expect(requestOf(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).target).toEqual({ form: "authority", host, port });
  });

  test("takes exactly the authorities that the grammar allows", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(name, port, (host, number) => {
        const { target } = requestOf(`CONNECT ${host}:${number} HTTP/1.1\r\nHost: a\r\n\r\n`);
        return target.form === "authority" && target.host === host && target.port === number;
      }),
    );
    const grammar = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255}):([1-9]\d{0,4})$/;
    const alphabet = fc.constantFrom(..."a1:.[]@/%-_ \t\\#?*x0689~\x7f\xe9".split(""));
    const text = fc.oneof(
      fc.array(alphabet, { minLength: 1, maxLength: 12 }).map((parts) => parts.join("")),
      fc.tuple(name, fc.nat(99_999)).map(([host, number]) => `${host}:${number}`),
    );
    fc.assert(
      fc.property(text, (authority) => {
        const isRight = Number(grammar.exec(authority)?.[1] ?? 0) <= 65_535 && grammar.test(authority);
        return (reasonOf(`CONNECT ${authority} HTTP/1.1\r\nHost: a\r\n\r\n`) === "message") === isRight;
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["GET http://a HTTP/1.1", { form: "absolute", scheme: "http", host: "a", port: 80, path: "/" }],
    ["GET HTTP://a:8080?q=1 HTTP/1.1", { form: "absolute", scheme: "http", host: "a", port: 8080, path: "/?q=1" }],
    [
      "GET https://[2001:db8::1]/x?y=http://b/ HTTP/1.1",
      { form: "absolute", scheme: "https", host: "2001:db8::1", port: 443, path: "/x?y=http://b/" },
    ],
    ["OPTIONS http://a HTTP/1.1", { form: "absolute", scheme: "http", host: "a", port: 80, path: "*" }],
    ["OPTIONS * HTTP/1.1", { form: "asterisk" }],
    ["GET /x HTTP/1.1", { form: "origin", path: "/x" }],
  ])("reads the target of %s", (line, target) => {
    expect(requestOf(`${line}\r\nHost: other\r\n\r\n`).target).toEqual(target);
  });

  test("reads a whole request, leaves the early bytes of a tunnel alone and skips one empty line before it", () => {
    const text = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nProxy-Authorization: Basic eDp5\r\nUser-Agent: \t curl \r\n\r\n";
    const answer = readRequestHead(bytes(`\r\n${text}\x16\x03\x01early`));
    expect(answer).toMatchObject({
      kind: "message",
      consumed: text.length + 2,
      message: { method: "CONNECT", version: "1.1", body: { kind: "none" }, keepAlive: true, proxyAuthorization: "Basic eDp5" },
    });
    if (answer.kind === "message") expect(answer.message.fields).toContainEqual({ name: "User-Agent", key: "user-agent", value: "curl" });
  });

  test.each([
    ["POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n", { kind: "length", bytes: 12 }],
    ["POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", { kind: "none" }],
    ["POST http://a/ HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n", { kind: "chunked" }],
    ["GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", { kind: "none" }],
  ])("tells the body of %j", (text, body) => expect(requestOf(text).body).toEqual(body));

  test.each([
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "Connection: Close\r\n", false],
    ["HTTP/1.1", "Proxy-Connection: close\r\n", false],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Proxy-Connection: Keep-Alive\r\n", true],
    ["HTTP/1.0", "Connection: x, keep-alive\r\n", true],
  ])("knows whether %s with %j keeps the connection", (version, fields, keepAlive) => {
    expect(requestOf(`GET http://a/ ${version}\r\nHost: a\r\n${fields}\r\n`).keepAlive).toBe(keepAlive);
  });

  test("keeps within its limits", () => {
    expect(reasonOf(`GET http://a/ HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(100)}\r\n`)).toBe("too-many-fields");
    expect(reasonOf(`GET http://a/${"x".repeat(8_192)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe("target-too-long");
    expect(reasonOf(`GET http://a/ HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(16_384)}`)).toBe("head-too-large");
    expect(reasonOf(`GET http://a/ HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(16_384)}\r\n\r\n`)).toBe("head-too-large");
    expect(reasonOf("A".repeat(33))).toBe("method");
    expect(reasonOf("A".repeat(32))).toBe("more");
    expect(reasonOf("\r")).toBe("more");
  });

  const samples = [
    ...hostile.map(([, text]) => text),
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nearly",
    "\r\nGET http://a/ HTTP/1.0\r\n\r\n",
  ];
  test("gives the same answer for every split", () => {
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(fc.nat(400), { maxLength: 6 }), (text, cuts) => {
        return sameAnswer(feedInParts(readRequestHead, bytes(text), cuts), readRequestHead(bytes(text)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("never throws, on noise and on mutated requests, and never consumes more than it got", () => {
    const mutated = fc
      .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }))
      .map(([text, changes]) => {
        const buffer = bytes(text);
        for (const [at, value] of changes) buffer[at % buffer.length] = value;
        return buffer;
      });
    const noise = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(mutated, noise), fc.array(fc.nat(400), { maxLength: 3 }), (buffer, cuts) => {
        const answer = readRequestHead(buffer);
        readResponseHead(buffer, "GET");
        return (
          sameAnswer(feedInParts(readRequestHead, buffer, cuts), answer) && (answer.kind !== "message" || answer.consumed <= buffer.length)
        );
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("readResponseHead", () => {
  const answerOf = (text: string, method = "GET") => feedByBytes((input) => readResponseHead(input, method), bytes(text));
  test.each([
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", { kind: "length", bytes: 5 }],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", { kind: "none" }],
    ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", { kind: "none" }],
    ["HTTP/1.1 200\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET", { kind: "chunked" }],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", { kind: "close" }],
    ["HTTP/1.0 200 OK\r\n\r\n", "GET", { kind: "close" }],
    ["HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n", "GET", { kind: "none" }],
    ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", { kind: "none" }],
    ["HTTP/1.1 100 Continue\r\n\r\n", "POST", { kind: "none" }],
  ])("tells the body of %j to %s", (text, method, body) => {
    expect(answerOf(text, method)).toMatchObject({ kind: "message", consumed: text.length, message: { body } });
  });

  test.each([
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "length-and-transfer-encoding"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "content-length"],
    ["HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", "folded-field"],
    ["HTTP/1.1 200 OK\nX: 1\n\n", "bare-line-feed"],
    ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-in-1.0"],
    ["HTTP/2 200 OK\r\n\r\n", "status-line"],
    ["HTTP/1.1 20 OK\r\n\r\n", "status-line"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "status-line"],
    ["ICY 200 OK\r\n\r\n", "status-line"],
  ])("refuses %j", (text, reason) => expect(answerOf(text)).toEqual({ kind: "malformed", reason }));

  test("tells interim answers and whether the target keeps the connection", () => {
    expect(answerOf("HTTP/1.1 103 Early Hints\r\n\r\n")).toMatchObject({ message: { isInterim: true } });
    expect(answerOf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")).toMatchObject({ message: { isInterim: false, keepAlive: true } });
    expect(answerOf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")).toMatchObject({ message: { keepAlive: false } });
    expect(answerOf("HTTP/1.1 200 OK\r\n\r\n")).toMatchObject({ message: { keepAlive: false } });
  });
});

describe("readBasicCredentials", () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  test("reads user and password, the password with colons", () => {
    expect(readBasicCredentials(basic("demo-country-uz:a:b"))).toEqual({ username: "demo-country-uz", password: "a:b" });
    expect(readBasicCredentials(basic("demo:").replace("Basic", "bAsIc"))).toEqual({ username: "demo", password: "" });
  });
  test.each(["", "Basic", "Basic ", "Bearer eDp5", "Basic e Dp5", "Basic eDp5!", basic("nocolon"), `Basic ${"a".repeat(1_100)}`])(
    "refuses %j",
    (value) => {
      expect(readBasicCredentials(value)).toBeNull();
    },
  );
});

describe("findProxyAuthorization", () => {
  test.each([
    ["the one whole line", "GET / HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\nHost: a\r\nHost: b\r\n\r\n", "Basic YTpi"],
    ["in any case and with spaces", "x\r\nPROXY-authorization:\t Basic YTpi \r\n", "Basic YTpi"],
    ["not one whose end is missing", "x\r\nProxy-Authorization: Basic YTpi", null],
    ["not one of two", "x\r\nProxy-Authorization: Basic YTpi\r\nProxy-Authorization: Basic YTpi\r\n\r\n", null],
    ["not one of the body", "x\r\nHost: a\r\n\r\n\r\nProxy-Authorization: Basic YTpi\r\n", null],
    ["not one that begins the bytes", "Proxy-Authorization: Basic YTpi\r\n", null],
    ["nothing in noise", "\0\xff\r\n\r\n", null],
  ])("finds %s", (_what, head, value) => {
    expect(findProxyAuthorization(Buffer.from(head, "latin1"))).toBe(value);
  });

  // A reader that tries every way to share out the blanks needs half an hour for this, and serves nobody meanwhile.
  test.each([
    ["without an end", ""],
    ["with half an end", "\r"],
    ["before a control character", "\0\r\n"],
  ])("reads a line that is as many blanks as a head may hold in one go, %s", (_what, after) => {
    const before = "GET / HTTP/1.1\r\nProxy-Authorization:";
    const head = before + " \t".repeat((16_384 - before.length - after.length) / 2) + after;
    expect(findProxyAuthorization(Buffer.from(head, "latin1"))).toBe(after === "\0\r\n" ? "\0" : null);
  });
});
