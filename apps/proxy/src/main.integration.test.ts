import { deviceFingerprint, hashProxyPassword, makeDeviceKey, makeProxyPassword } from "@karvon/security";
import { createTestDatabase, openFixtures, type TestDatabase, type Fixtures, until } from "@karvon/testkit";
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testCertPem, testKeyPem } from "./test/certificate.ts";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { startTestNode, type TestNode } from "./test/test-node.ts";
import { startTarget } from "./test/vanish-world.ts";

const appDir = fileURLToPath(new URL("..", import.meta.url));
let dataDir = "";
let database: TestDatabase;
let fixtures: Fixtures;
const running: ChildProcess[] = [];
const pepper = randomBytes(32);

beforeAll(async () => {
  execFileSync(process.execPath, ["../../scripts/bundle.mjs"], { cwd: appDir });
  dataDir = mkdtempSync(join(tmpdir(), "karvon-proxy-"));
  mkdirSync(join(dataDir, "keys"));
  const keep = (name: string, content: string): void => writeFileSync(join(dataDir, "keys", name), content, { mode: 0o600 });
  keep("pepper", pepper.toString("base64url"));
  keep("service-token", randomBytes(32).toString("base64url"));
  keep("tunnel-key.pem", testKeyPem);
  keep("tunnel-cert.pem", testCertPem);
  keep("proxy-key.pem", testKeyPem);
  keep("proxy-cert.pem", testCertPem);
  database = await createTestDatabase();
  fixtures = openFixtures(database.url);
});
afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await fixtures.close();
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

interface Gateway {
  readonly child: ChildProcess;
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  readonly log: () => string;
  readonly exited: Promise<number | null>;
}

async function start(change: Record<string, string | undefined> = {}): Promise<Gateway> {
  let log = "";
  const child = fork(join(appDir, "dist/main.mjs"), [], {
    execArgv: ["--max-semi-space-size=4", "--initial-old-space-size=64"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      NODE_ENV: "production",
      PATH: process.env["PATH"],
      KARVON_DATA_DIR: dataDir,
      KARVON_PROXY_PORT: "0",
      KARVON_TUNNEL_PORT: "0",
      KARVON_OPS_PORT: "0",
      KARVON_PANEL_PORT: "1",
      KARVON_EGRESS_ALLOW: "127.0.0.0/8",
      KARVON_TRUSTED_PROXIES: "127.0.0.1/32",
      DATABASE_URL: database.url,
      ...change,
    },
  });
  running.push(child);
  child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const ready = new Promise<Record<string, unknown>>((resolve) =>
    child.once("message", (message: Record<string, unknown>) => resolve(message)),
  );
  const facts = await Promise.race([ready, exited.then(() => ({ type: "exited" }))]);
  return {
    child,
    proxyPort: Number(Reflect.get(facts, "proxyPort")),
    tunnelPort: Number(Reflect.get(facts, "tunnelPort")),
    opsPort: Number(Reflect.get(facts, "opsPort")),
    log: () => log,
    exited,
  };
}

async function addNode(gateway: Gateway, address: string): Promise<TestNode> {
  const { operatorId } = await fixtures.makeOperator();
  const key = makeDeviceKey("ed25519");
  const ids = await fixtures.makeNode(operatorId, { publicKey: key.publicKey, fingerprint: deviceFingerprint(key.publicKey) });
  return startTestNode({ tunnelPort: gateway.tunnelPort, ...ids, key, sessionSeq: 1, address });
}

const events = (gateway: Gateway): string[] => [...gateway.log().matchAll(/"event":"([^"]+)"/g)].map(([, event]) => event ?? "");
const rssMb = (pid: number | undefined): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
const epoch = (): number => JSON.parse(readFileSync(join(dataDir, "gateway.json"), "utf8")).epochMs;

describe("the gateway's process", () => {
  test("finds places in a child of its own, carries, survives noise on every port, and stops with its books posted", async () => {
    const gateway = await start();
    const node = await addNode(gateway, "195.158.0.1");
    expect(node.verdict).toMatchObject({ type: "ready", payload: { publicAddress: "195.158.0.1", country: "UZ" } });
    const { clientId } = await fixtures.makeClient();
    const password = makeProxyPassword();
    const user = await fixtures.makeProxyUser(clientId, { secretHash: hashProxyPassword(pepper, password) });
    await fixtures.credit(clientId, 1_000_000n);

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
      await exchange(gateway.proxyPort, `GET http://127.0.0.1:${site.port}/ HTTP/1.0\r\n${basic(user.username, password)}\r\n`),
    );
    expect(answer).toMatchObject({ status: 200, headers: { "x-px-country": "UZ" } });
    expect(events(gateway)).not.toContain("process.uncaught");
    expect(events(gateway)).not.toContain("process.warning");

    await site.close();
    gateway.child.kill("SIGTERM");
    expect(await gateway.exited).toBe(0);
    const { rows } = await fixtures.pool.query("SELECT down_bytes FROM proxy_session WHERE proxy_user_id = $1", [user.proxyUserId]);
    expect(Number(rows[0]?.down_bytes)).toBeGreaterThan(100);
  });

  test("keeps its id over a kill -9 and never an epoch", async () => {
    const first = await start();
    const { id } = JSON.parse(readFileSync(join(dataDir, "gateway.json"), "utf8"));
    const firstEpoch = epoch();
    first.child.kill("SIGKILL");
    await first.exited;
    const second = await start();
    expect(JSON.parse(readFileSync(join(dataDir, "gateway.json"), "utf8")).id).toBe(id);
    expect(epoch()).toBeGreaterThan(firstEpoch);
    second.child.disconnect();
    expect(await second.exited).toBe(0);
  });

  test("idles under 70 MB", async () => {
    const gateway = await start();
    await until(async () => (await fetch(`http://127.0.0.1:${gateway.opsPort}/readyz`)).ok);
    expect(rssMb(gateway.child.pid)).toBeLessThan(70);
    gateway.child.kill("SIGTERM");
    await gateway.exited;
  });

  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ["no database", { DATABASE_URL: "" }, /DATABASE_URL is not set/],
    ["a misspelt setting", { KARVON_PORXY_PORT: "1" }, /KARVON_PORXY_PORT/],
    ["a data folder without keys", { KARVON_DATA_DIR: tmpdir() }, /keys/],
  ])("with %s it ends with one clear sentence", async (_what, change, sentence) => {
    const gateway = await start(change);
    expect(await gateway.exited).toBe(1);
    expect(gateway.log()).toMatch(sentence);
    expect(gateway.log().trim().split("\n")).toHaveLength(1);
  });
});
