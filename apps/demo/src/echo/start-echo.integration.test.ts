import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Exits, createExits } from "./exits.ts";
import { type EchoServer, startEcho } from "./start-echo.ts";

const place = { publicAddress: "188.113.224.1", country: "UZ", city: "Tashkent", asn: 49_273, asnName: "COSCOM" };

describe("echo target", () => {
  let exits: Exits;
  let echo: EchoServer;
  beforeAll(async () => {
    exits = createExits();
    echo = await startEcho({ port: 0, exits });
  });
  afterAll(() => echo.close());

  /** One raw request over its own connection, whose local port belongs to `nodeId` if given. */
  function ask(head: string, nodeId?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(echo.url).port), "127.0.0.1");
      let text = "";
      socket.once("connect", () => {
        if (nodeId) exits.open(socket.localPort ?? 0, nodeId);
        socket.write(`${head}\r\nHost: echo\r\nConnection: close\r\n\r\n`);
      });
      socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
      socket.once("end", () => resolve(text));
      socket.once("error", reject);
    });
  }

  test("says where a node's connection leaves the network", async () => {
    exits.setPlace("node-01", { node: "Tashkent phone", type: "mobile", ...place });
    const answer = await ask("GET / HTTP/1.1", "node-01");
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toEqual({
      ip: "188.113.224.1",
      country: "UZ",
      city: "Tashkent",
      asn: 49_273,
      asnName: "COSCOM",
      type: "mobile",
      node: "Tashkent phone",
      method: "GET",
      path: "/",
      headersReceived: 2,
      bytesReceived: 0,
    });
  });

  test("claims no place for a connection that came by itself", async () => {
    const direct = await (await fetch(echo.url)).json();
    expect(direct).toMatchObject({ ip: "127.0.0.1", country: null, node: null });
  });

  test("a port that was given to another node is not forgotten by the first", () => {
    exits.open(1, "node-01");
    exits.setPlace("node-02", { node: "other", type: "wifi", ...place });
    exits.open(1, "node-02");
    exits.close(1, "node-01");
    expect(exits.find(1)?.node).toBe("other");
    exits.close(1, "node-02");
    expect(exits.find(1)).toBeNull();
  });

  test("sends as many bytes as asked, always the same", async () => {
    const [first, second] = await Promise.all(
      [10_000_000, 10_000_000].map(async (n) => Buffer.from(await (await fetch(`${echo.url}bytes?n=${n}`)).arrayBuffer())),
    );
    expect(first?.length).toBe(10_000_000);
    expect(first && second && first.equals(second)).toBe(true);
    expect((await fetch(`${echo.url}bytes?n=0`)).headers.get("content-length")).toBe("0");
  });

  test("answers an upload with its length and hash", async () => {
    const body = randomBytes(2_000_000);
    const answer = await (await fetch(`${echo.url}upload`, { method: "POST", body })).json();
    expect(answer).toEqual({ bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") });
  });

  test("odd requests are answered and do no harm", async () => {
    for (const n of ["-1", "x", "1e99", "20000000000"]) expect((await fetch(`${echo.url}bytes?n=${n}`)).status, n).toBe(400);
    expect(await ask("GET // HTTP/1.1")).toMatch(/^HTTP\/1\.1 200/);
    expect(await ask("GET http:// HTTP/1.1")).toMatch(/^HTTP\/1\.1 200/);
    expect((await fetch(echo.url)).status).toBe(200);
  });
});
