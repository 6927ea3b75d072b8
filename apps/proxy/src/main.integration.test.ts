import { until } from "@karvon/testkit";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GatewayProcess, type GatewayProcesses, openGatewayProcesses } from "./test/gateway-process.ts";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { startTarget } from "./test/vanish-world.ts";

let processes: GatewayProcesses;
beforeAll(async () => {
  processes = await openGatewayProcesses();
});
afterAll(() => processes.close());

const events = (gateway: GatewayProcess): string[] => [...gateway.log().matchAll(/"event":"([^"]+)"/g)].map(([, event]) => event ?? "");
const identity = (): { id: string; epochMs: number } => JSON.parse(readFileSync(join(processes.dataDir, "gateway.json"), "utf8"));

describe("the gateway's process", () => {
  test("finds places in a child of its own, carries, survives noise on every port, and stops with its books posted", async () => {
    const gateway = await processes.start();
    const node = await processes.addNode(gateway, { address: "195.158.0.1" });
    expect(node.verdict).toMatchObject({ type: "ready", payload: { publicAddress: "195.158.0.1", country: "UZ" } });
    const user = await processes.makeLogin(1_000_000n);

    for (const port of [gateway.proxyPort, gateway.tunnelPort, gateway.opsPort]) {
      for (const noise of [
        randomBytes(3_000),
        Buffer.from("\r\n\r\n\0\r\nQUIT\nxxxxxxxxxxxx"),
        Buffer.from("PROXY TCP4 1.2.3.4"),
        Buffer.from([5]),
        Buffer.from([22, 3, 1]),
        Buffer.alloc(0),
      ]) {
        const socket = await dial(port);
        socket.write(noise);
        socket.resetAndDestroy();
      }
    }
    const site = await startTarget((socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(200)}`));
    const answer = readAnswer(
      await exchange(gateway.proxyPort, `GET http://127.0.0.1:${site.port}/ HTTP/1.0\r\n${basic(user.username, user.password)}\r\n`),
    );
    expect(answer).toMatchObject({ status: 200, headers: { "x-px-country": "UZ" } });
    expect(events(gateway)).not.toContain("process.uncaught");
    expect(events(gateway)).not.toContain("process.warning");

    await site.close();
    gateway.child.kill("SIGTERM");
    expect(await gateway.exited).toBe(0);
    const { rows } = await processes.fixtures.pool.query("SELECT down_bytes FROM proxy_session WHERE proxy_user_id = $1", [
      user.proxyUserId,
    ]);
    expect(Number(rows[0]?.down_bytes)).toBeGreaterThan(100);
  });

  test("keeps its id over a kill -9 and never an epoch", async () => {
    const first = await processes.start();
    const { id, epochMs } = identity();
    first.child.kill("SIGKILL");
    await first.exited;
    const second = await processes.start();
    expect(identity().id).toBe(id);
    expect(identity().epochMs).toBeGreaterThan(epochMs);
    second.child.disconnect();
    expect(await second.exited).toBe(0);
  });

  test("idles under 70 MB", async () => {
    const gateway = await processes.start();
    await until(async () => (await fetch(`http://127.0.0.1:${gateway.opsPort}/readyz`)).ok);
    expect(gateway.rssBytes() / 1_048_576).toBeLessThan(70);
    gateway.child.kill("SIGTERM");
    await gateway.exited;
  });

  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ["no database", { DATABASE_URL: "" }, /DATABASE_URL is not set/],
    ["a misspelt setting", { KARVON_PORXY_PORT: "1" }, /KARVON_PORXY_PORT/],
    ["a data folder without keys", { KARVON_DATA_DIR: tmpdir() }, /keys/],
  ])("with %s it ends with one clear sentence", async (_what, change, sentence) => {
    const gateway = await processes.start(change);
    expect(await gateway.exited).toBe(1);
    expect(gateway.log()).toMatch(sentence);
    expect(gateway.log().trim().split("\n")).toHaveLength(1);
  });
});
