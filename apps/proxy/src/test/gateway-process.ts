/**
 * Gateways in processes of their own, bundled as they ship, with a database and keys for tests of what only a whole process
 * shows: its memory, its descriptors, its end.
 *
 * The bundle is made in a folder of the test's own, so that it does not meet the one that other tests run; it stands in the
 * tree, where it finds the data of the places.
 */
import { deviceFingerprint, hashProxyPassword, makeDeviceKey, makeProxyPassword } from "@karvon/security";
import { createTestDatabase, type Fixtures, openFixtures, type TestDatabase } from "@karvon/testkit";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { testCertPem, testKeyPem } from "./certificate.ts";
import { startTestNode, type TestNode, type TestNodeOptions } from "./test-node.ts";
import { readMetric } from "./read-metric.ts";

export interface GatewayProcess {
  readonly child: ChildProcess;
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  /** All that it has printed. */
  readonly log: () => string;
  readonly exited: Promise<number | null>;
  rssBytes(): number;
  /** A figure of /metrics without labels. */
  metric(name: string): Promise<number>;
}

export interface GatewayProcesses {
  readonly fixtures: Fixtures;
  readonly dataDir: string;
  /** `descriptorsMax` is the process's own limit. What does not start answers with its ports as NaN and its exit. */
  start(environment?: Readonly<Record<string, string | undefined>>, descriptorsMax?: number): Promise<GatewayProcess>;
  addNode(gateway: GatewayProcess, options?: Partial<TestNodeOptions>): Promise<TestNode>;
  makeLogin(bytes?: bigint): Promise<{ readonly proxyUserId: string; readonly username: string; readonly password: string }>;
  /** Kills what still runs. */
  close(): Promise<void>;
}

const appDir = fileURLToPath(new URL("../..", import.meta.url));
const distDir = join(appDir, "dist");
const bundler = fileURLToPath(new URL("../../../../scripts/bundle.mjs", import.meta.url));
/** As the launcher starts it. */
const nodeArguments = ["--max-semi-space-size=4", "--initial-old-space-size=64"];

/** `given` is used instead of one of their own; it is dropped with them. */
export async function openGatewayProcesses(given?: TestDatabase): Promise<GatewayProcesses> {
  const dataDir = mkdtempSync(join(tmpdir(), "karvon-gateway-"));
  mkdirSync(distDir, { recursive: true });
  const program = join(mkdtempSync(join(distDir, "test-")), "main.mjs");
  execFileSync(process.execPath, [bundler, program], { cwd: appDir });
  const pepper = randomBytes(32);
  writeKeys(dataDir, pepper);
  const database = given ?? (await createTestDatabase());
  const fixtures = openFixtures(database.url);
  const running: ChildProcess[] = [];
  const nodes: TestNode[] = [];
  return {
    fixtures,
    dataDir,
    async start(change = {}, descriptorsMax) {
      const limit = descriptorsMax === undefined ? "" : `ulimit -n ${descriptorsMax}; `;
      const child = spawn("sh", ["-c", `${limit}exec "$0" "$@"`, process.execPath, ...nodeArguments, program], {
        cwd: dataDir,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        env: { ...environmentOf(dataDir, database.url), ...change },
      });
      running.push(child);
      return untilReady(child);
    },
    async addNode(gateway, options = {}) {
      const { operatorId } = await fixtures.makeOperator();
      const key = makeDeviceKey("ed25519");
      const ids = await fixtures.makeNode(operatorId, { publicKey: key.publicKey, fingerprint: deviceFingerprint(key.publicKey) });
      const node = await startTestNode({ tunnelPort: gateway.tunnelPort, ...ids, key, sessionSeq: 1, ...options });
      nodes.push(node);
      return node;
    },
    async makeLogin(bytes = 1_000_000_000n) {
      const { clientId } = await fixtures.makeClient();
      const password = makeProxyPassword();
      const user = await fixtures.makeProxyUser(clientId, { secretHash: hashProxyPassword(pepper, password) });
      await fixtures.credit(clientId, bytes);
      return { ...user, password };
    },
    async close() {
      for (const node of nodes) node.close();
      await Promise.all(running.map(kill));
      await fixtures.close();
      await database.drop();
      for (const folder of [dataDir, dirname(program)]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeKeys(dataDir: string, pepper: Buffer): void {
  const keys = {
    pepper: pepper.toString("base64url"),
    "service-token": randomBytes(32).toString("base64url"),
    "tunnel-key.pem": testKeyPem,
    "tunnel-cert.pem": testCertPem,
    "proxy-key.pem": testKeyPem,
    "proxy-cert.pem": testCertPem,
  };
  mkdirSync(join(dataDir, "keys"));
  for (const [name, content] of Object.entries(keys)) writeFileSync(join(dataDir, "keys", name), content, { mode: 0o600 });
}

function environmentOf(dataDir: string, databaseUrl: string): NodeJS.ProcessEnv {
  return {
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
  };
}

async function untilReady(child: ChildProcess): Promise<GatewayProcess> {
  let log = "";
  child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const ready = once(child, "message").then(([message]: unknown[]) => message);
  const facts = await Promise.race([ready, exited.then(() => null)]);
  const port = (name: string): number => (typeof facts === "object" && facts !== null ? Number(Reflect.get(facts, name)) : Number.NaN);
  const opsPort = port("opsPort");
  return {
    child,
    proxyPort: port("proxyPort"),
    tunnelPort: port("tunnelPort"),
    opsPort,
    log: () => log,
    exited,
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) * 1_024,
    async metric(name) {
      return readMetric(await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text(), name);
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
