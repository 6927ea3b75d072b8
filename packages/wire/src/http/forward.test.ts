import { describe, expect, test } from "vitest";
import { type HttpRequestHead, readRequestHead, readResponseHead, writeForwardedRequest, writeForwardedResponse } from "../index.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
function requestOf(text: string): HttpRequestHead {
  const answer = readRequestHead(bytes(text));
  if (answer.kind !== "message") throw new Error(`${answer.kind} for ${text}`);
  return answer.message;
}

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
  test("asks for WebSocket as the client did, and drops every other upgrade", () => {
    const asked = (fields: string, line = "GET http://a/ HTTP/1.1"): string => forwarded(`${line}\r\nHost: a\r\n${fields}\r\n`);
    expect(asked("Connection: Upgrade, X-Hop\r\nX-Hop: 1\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n")).toBe(
      "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    );
    const plain = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect(asked("Connection: Upgrade\r\nUpgrade: h2c\r\n")).toBe(plain);
    expect(asked("Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n")).toBe(plain);
    expect(asked("Upgrade: websocket\r\n")).toBe(plain);
    expect(asked("Connection: Upgrade\r\nUpgrade: websocket\r\n", "GET http://a/ HTTP/1.0")).toBe(plain.replace("1.1", "1.0"));
  });
  test("puts the body bytes that came along into the same buffer", () => {
    const head = requestOf("PUT http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    expect(writeForwardedRequest(head, { keepAlive: true }, bytes("\xffbod")).toString("latin1")).toBe(
      "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\n\xffbod",
    );
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
  test("passes a 101 on with what was agreed, and codings as the target listed them", () => {
    expect(
      answered("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", "GET", false),
    ).toBe("HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: x\r\nx-px-country: UZ\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    expect(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET", true)).toContain(
      "Transfer-Encoding: gzip, chunked\r\n",
    );
    expect(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", true)).toContain("Transfer-Encoding: gzip\r\n");
  });
  test("keeps the stated length of an answer to HEAD and closes after a body without end", () => {
    expect(answered("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD", true)).toContain("Content-Length: 99\r\n");
    expect(answered("HTTP/1.1 200 OK\r\n\r\n", "GET", true)).toContain("Connection: close\r\n");
    expect(answered("HTTP/1.1 100 Continue\r\n\r\n", "POST", true)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  });
});
