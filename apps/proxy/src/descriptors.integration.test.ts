import { deviceFingerprint, hashProxyPassword, makeDeviceKey, makeProxyPassword } from "@karvon/security";
import { createTestDatabase, openFixtures, until } from "@karvon/testkit";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { testCertPem, testKeyPem } from "./test/certificate.ts";
import { connectHead } from "./test/limit-clients.ts";
import { dial, readAnswer } from "./test/raw-client.ts";
import { connectTarget, startTestNode } from "./test/test-node.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const appDir = fileURLToPath(new URL("..", import.meta.url));
const descriptorLimit = 128;
const clientsMax = 160;

interface Ports {
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
}

/** A gateway process that may open 128 descriptors. */
async function startLimited(databaseUrl: string, pepper: Buffer): Promise<Ports> {
  const dataDir = mkdtempSync(join(tmpdir(), "karvon-fds-"));
  closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
  mkdirSync(join(dataDir, "keys"));
  const keys = {
    pepper: pepper.toString("base64url"),
    "service-token": randomBytes(32).toString("base64url"),
    "tunnel-key.pem": testKeyPem,
    "tunnel-cert.pem": testCertPem,
    "proxy-key.pem": testKeyPem,
    "proxy-cert.pem": testCertPem,
  };
  for (const [name, content] of Object.entries(keys)) writeFileSync(join(dataDir, "keys", name), content, { mode: 0o600 });
  const command = `ulimit -n ${descriptorLimit}; exec "$0" --import tsx src/main.ts`;
  const child: ChildProcess = spawn("sh", ["-c", command, process.execPath], {
    cwd: appDir,
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
      DATABASE_URL: databaseUrl,
    },
  });
  closers.push(() => stop(child));
  let log = "";
  child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const [ports]: unknown[] = await Promise.race([once(child, "message"), once(child, "exit").then(() => [])]);
  if (typeof ports !== "object" || ports === null) throw new Error(log);
  const port = (name: keyof Ports): number => Number(Reflect.get(ports, name));
  return { proxyPort: port("proxyPort"), tunnelPort: port("tunnelPort"), opsPort: port("opsPort") };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

interface Outcome {
  readonly socket: Socket;
  /** "open", the code of a refusal, or "silent" when the connection ended without a word. */
  readonly said: string;
}

async function ask(port: number, head: string): Promise<Outcome> {
  const socket = await dial(port);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(head);
  const all = (): Buffer => Buffer.concat(chunks);
  await until(() => all().includes("\r\n\r\n") || socket.readableEnded || socket.destroyed, { timeoutMs: 20_000 });
  const { status, headers } = readAnswer(all());
  if (status === 200) return { socket, said: "open" };
  socket.destroy();
  return { socket, said: headers["x-error-code"] ?? "silent" };
}

test("a gateway with few descriptors answers or refuses every client in words, reaches its database meanwhile, and recovers", async () => {
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const fixtures = openFixtures(database.url);
  closers.push(() => fixtures.close());
  const pepper = randomBytes(32);
  const ports = await startLimited(database.url, pepper);
  const { operatorId } = await fixtures.makeOperator();
  const key = makeDeviceKey("ed25519");
  const ids = await fixtures.makeNode(operatorId, { publicKey: key.publicKey, fingerprint: deviceFingerprint(key.publicKey) });
  const node = await startTestNode({ tunnelPort: ports.tunnelPort, ...ids, key, sessionSeq: 1, onOpen: connectTarget });
  closers.push(() => node.close());
  expect(node.verdict.type).toBe("ready");
  const target = createServer((socket) => socket.on("error", () => undefined).resume());
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  closers.push(() => void target.close());
  const address = target.address();
  const authority = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const makeHead = async (): Promise<string> => {
    const { clientId } = await fixtures.makeClient();
    const password = makeProxyPassword();
    const user = await fixtures.makeProxyUser(clientId, { secretHash: hashProxyPassword(pepper, password) });
    await fixtures.credit(clientId, 1_000_000_000n);
    return connectHead(authority, { username: user.username, password });
  };

  const head = await makeHead();
  const outcomes = await Promise.all(Array.from({ length: clientsMax }, () => ask(ports.proxyPort, head)));
  const count = (said: string): number => outcomes.filter((outcome) => outcome.said === said).length;
  expect(count("silent")).toBe(0);
  expect(count("open")).toBeGreaterThanOrEqual(20);
  expect(count("overloaded") + count("concurrency_limit")).toBe(clientsMax - count("open"));

  const metrics = await (await fetch(`http://127.0.0.1:${ports.opsPort}/metrics`)).text();
  expect(Number(/^process_open_fds (\d+)$/m.exec(metrics)?.[1])).toBeLessThan(descriptorLimit);
  // A name that the gateway has never heard: it must ask its database for it while it is as full as it gets.
  outcomes.find(({ said }) => said === "open")?.socket.destroy();
  const stranger = await makeHead();
  const newcomer = await until(async () => {
    const outcome = await ask(ports.proxyPort, stranger);
    return outcome.said === "open" ? outcome : null;
  });
  for (const { socket } of [...outcomes, newcomer]) socket.destroy();
  const after = await until(async () => {
    const again = await Promise.all(Array.from({ length: 10 }, () => ask(ports.proxyPort, head)));
    return again.every(({ said }) => said === "open") ? again : null;
  });
  for (const { socket } of after) socket.destroy();
});
