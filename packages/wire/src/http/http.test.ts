import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createChunkedScanner,
  type HttpRequestHead,
  readBasicCredentials,
  readRequestHead,
  readResponseHead,
  writeForwardedRequest,
  writeForwardedResponse,
} from "../index.ts";
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

describe("the chunked scanner", () => {
  function scan(text: string, cuts: readonly number[]): string {
    const scanner = createChunkedScanner();
    const buffer = bytes(text);
    const ends = [...cuts.map((cut) => cut % (buffer.length + 1)), buffer.length].toSorted((a, b) => a - b);
    let from = 0;
    for (const end of ends) {
      const answer = scanner.scan(buffer.subarray(from, end));
      if (answer.kind === "malformed") return answer.reason;
      if (answer.kind === "end") return `end ${from + answer.consumed}`;
      from = end;
    }
    return "more";
  }
  const cases: readonly (readonly [string, string])[] = [
    ["0\r\n\r\nGET /", "end 5"],
    ["5\r\nhello\r\n0\r\n\r\n", "end 15"],
    ['A;name="v"\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\nrest', "end 42"],
    ["5\r\nhel", "more"],
    ["5\r\nhelloX\r\n", "chunk-line-end"],
    ["1\nX\n0\n\n", "chunk-size"],
    ["1;a\nX\r\n", "chunk-extension"],
    ["0x1\r\nX\r\n", "chunk-size"],
    ["7fffffffffffffff1\r\nX", "chunk-size"],
    ["-1\r\n", "chunk-size"],
    [" 1\r\n", "chunk-size"],
    ["1 \r\n", "chunk-size"],
    ["\r\n", "chunk-size"],
    [`1;${"x".repeat(257)}`, "chunk-extension"],
    [`0\r\n${"x".repeat(8_193)}`, "trailer"],
    ["0\r\nA: b\r\n c\r\n\r\n", "folded-field"],
    ["0\r\nA: b\rX\r\n\r\n", "chunk-line-end"],
  ];
  test.each(cases)("says of %j: %s", (text, wanted) => {
    expect(scan(text, [])).toBe(wanted);
    expect(
      scan(
        text,
        Array.from({ length: text.length }, (_, index) => index),
      ),
    ).toBe(wanted);
  });
  test("finds the same end for every body and split", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 70 }), { maxLength: 5 }),
        fc.array(fc.nat(500), { maxLength: 8 }),
        (parts, cuts) => {
          const body = `${parts.map((part) => `${part.length.toString(16)}\r\n${Buffer.from(part).toString("latin1")}\r\n`).join("")}0\r\n\r\n`;
          return scan(`${body}next`, cuts) === `end ${body.length}`;
        },
      ),
    );
  });
  test("never throws on noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 4 }), (noise, cuts) => {
        const text = Buffer.from(noise).toString("latin1");
        return scan(text, cuts) === scan(text, []);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("forwarding", () => {
  const forwarded = (text: string): string => writeForwardedRequest(requestOf(text)).toString("latin1");
  test("regenerates Host, ends hop-by-hop fields and keeps the rest as it was", () => {
    const text = forwarded(
      "POST http://Example.com:8080/x?y HTTP/1.1\r\nHost: evil\r\nProxy-Authorization: Basic eDp5\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive, X-Secret, content-length\r\n" +
        "X-Secret: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nContent-Length: 3\r\nX-Custom:  kept \r\naccept: */*\r\n\r\n",
    );
    expect(text).toBe(
      "POST /x?y HTTP/1.1\r\nHost: Example.com:8080\r\nX-Custom: kept\r\naccept: */*\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
    );
  });
  test("adds nothing that names a proxy", () => {
    expect(forwarded("GET http://[2001:db8::1]/ HTTP/1.1\r\nHost: a\r\n\r\n")).toBe(
      "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\nConnection: close\r\n\r\n",
    );
    expect(forwarded("GET https://a/ HTTP/1.0\r\n\r\n")).toBe("GET / HTTP/1.0\r\nHost: a\r\nConnection: close\r\n\r\n");
  });
  test("frames the body by what was read", () => {
    expect(forwarded("PUT http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n\r\n")).toContain(
      "\r\nTransfer-Encoding: chunked\r\n",
    );
    expect(forwarded("POST http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")).toContain("\r\nContent-Length: 0\r\n");
  });
  test("reads as the same request again", () => {
    const again = requestOf(forwarded("PUT http://a:81/x HTTP/1.1\r\nHost: b\r\nContent-Length: 7\r\nA: b\r\n\r\n"));
    expect(again).toMatchObject({ method: "PUT", target: { form: "origin", path: "/x" }, body: { kind: "length", bytes: 7 } });
  });
  test("refuses targets in other forms", () => {
    expect(() => forwarded("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")).toThrow(RangeError);
  });

  const answered = (text: string, method: string, keepAlive: boolean): string => {
    const answer = readResponseHead(bytes(text), method);
    if (answer.kind !== "message") throw new Error(answer.kind);
    return writeForwardedResponse(answer.message, { keepAlive, ownLines: "x-px-country: UZ\r\n" }).toString("latin1");
  };
  test("puts the proxy's fields last and leaves out fields of the target with their names", () => {
    expect(
      answered(
        "HTTP/1.0 200 Fine\r\nX-PX-Country: DE\r\nContent-Length: 3\r\nConnection: x-hop\r\nX-Hop: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
        "GET",
        true,
      ),
    ).toBe(
      "HTTP/1.1 200 Fine\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 3\r\nx-px-country: UZ\r\nConnection: keep-alive\r\n\r\n",
    );
  });
  test("keeps the stated length of an answer to HEAD and closes after a body without end", () => {
    expect(answered("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD", true)).toContain("Content-Length: 99\r\n");
    expect(answered("HTTP/1.1 200 OK\r\n\r\n", "GET", true)).toContain("Connection: close\r\n");
    expect(answered("HTTP/1.1 100 Continue\r\n\r\n", "POST", true)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
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
