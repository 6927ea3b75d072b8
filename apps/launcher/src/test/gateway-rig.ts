/**
 * Real gateway processes under the launcher's own hand, real agents, a target and a client with traffic, for tests.
 *
 * The bundle is made in a folder of the test's own, so that it does not meet the one that other tests run.
 */
import { createFixedDevice, enrolAgent, startAgent, type Agent } from "@karvon/agent";
import { currentConsent, defaultOwnerLimits, parseEgressAllow } from "@karvon/domain";
import { hashProxyPassword, makeEnrolmentCode, makeProxyPassword } from "@karvon/security";
import { keyPath, readPepper, readTunnelIdentity } from "@karvon/settings";
import { createTestDatabase, openFixtures, until, type Fixtures } from "@karvon/testkit";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProxyAddress } from "../../../../scripts/lib/proxy-sessions.ts";
import { type Gateways, startGateways } from "../gateways.ts";
import { openLogFile } from "../log-file.ts";
import { makeKeys } from "../make-keys.ts";
import { openPortFinder } from "../ports.ts";

export interface GatewayRig {
  readonly gateways: Gateways;
  readonly fixtures: Fixtures;
  readonly targetPort: number;
  readonly opsPort: number;
  readonly proxy: ProxyAddress;
  /** What the launcher would print. */
  readonly said: readonly string[];
  /** As whom to ask for this wish. */
  as(parameters: string): ProxyAddress;
  readLog(): string;
  close(): Promise<void>;
}

const root = fileURLToPath(new URL("../../../../", import.meta.url));

export async function openGatewayRig(options: { count: number; nodes: number }): Promise<GatewayRig> {
  const folder = mkdtempSync(join(tmpdir(), "karvon-gateways-"));
  const module = join(folder, "proxy.mjs");
  execFileSync(process.execPath, [join(root, "scripts/bundle.mjs"), module], { cwd: join(root, "apps/proxy") });
  mkdirSync(join(keyPath(folder, "pepper"), ".."), { recursive: true });
  await makeKeys(folder, "127.0.0.1");
  const database = await createTestDatabase();
  const fixtures = openFixtures(database.url);
  const target = await startTarget();
  const ports = await findPorts();
  const said: string[] = [];
  const log = openLogFile(join(folder, "proxy.log"));
  const gateways = await startGateways({
    name: "proxy",
    count: options.count,
    module,
    nodeArguments: ["--max-semi-space-size=4", "--initial-old-space-size=64"],
    environment: {
      NODE_ENV: "production",
      KARVON_DATA_DIR: folder,
      KARVON_PROXY_PORT: String(ports.proxy),
      KARVON_TUNNEL_PORT: String(ports.tunnel),
      KARVON_OPS_PORT: "0",
      KARVON_PANEL_PORT: "1",
      KARVON_EGRESS_ALLOW: "127.0.0.0/8",
      KARVON_TRUSTED_PROXIES: "127.0.0.1/32",
      DATABASE_URL: database.url,
    },
    cwd: folder,
    opsPort: ports.ops,
    log,
    stopTimeoutMs: 10_000,
    signal: new AbortController().signal,
    onRestarted: () => undefined,
    onGivenUp: (reason) => said.push(reason),
    say: (text) => said.push(text),
  });
  const { clientId } = await fixtures.makeClient();
  const password = makeProxyPassword();
  const user = await fixtures.makeProxyUser(clientId, { secretHash: hashProxyPassword(readPepper(folder), password) });
  await fixtures.credit(clientId, 10_000_000_000n);
  const agents = await startAgents({ folder, fixtures, tunnelPort: ports.tunnel, count: options.nodes });
  const as = (parameters: string): ProxyAddress => ({
    host: "127.0.0.1",
    port: ports.proxy,
    username: `${user.username}${parameters}`,
    password,
  });
  return {
    gateways,
    fixtures,
    targetPort: target.port,
    opsPort: ports.ops,
    said,
    as,
    proxy: as(""),
    readLog: () => log.tail(5_000),
    async close() {
      for (const agent of agents) await agent.stop();
      await gateways.stop();
      await target.close();
      await fixtures.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startAgents(options: { folder: string; fixtures: Fixtures; tunnelPort: number; count: number }): Promise<Agent[]> {
  const { operatorId } = await options.fixtures.makeOperator();
  const { spkiPin } = readTunnelIdentity(options.folder);
  const allowed = parseEgressAllow(["127.0.0.0/8"]);
  const agents: Agent[] = [];
  let ready = 0;
  for (let index = 0; index < options.count; index += 1) {
    const { code, tokenHash } = makeEnrolmentCode({ host: "127.0.0.1", port: options.tunnelPort, spkiPin });
    await options.fixtures.makeEnrolmentToken(operatorId, tokenHash);
    const proxyProtocolSource = { address: `203.0.113.${index + 1}`, port: 40_000 };
    const consent = { text: currentConsent, acceptedAtMs: Date.now() };
    const outcome = await enrolAgent({
      folder: join(options.folder, `agent-${index}`),
      code,
      label: `node ${index}`,
      consent,
      proxyProtocolSource,
    });
    if (outcome.kind !== "enrolled") throw new Error(outcome.reason);
    agents.push(
      await startAgent({
        store: outcome.store,
        limits: defaultOwnerLimits,
        device: createFixedDevice({ batteryPercent: 90, isCharging: true, network: "wifi" }),
        proxyProtocolSource,
        delayFactor: 0.2,
        ...(allowed.kind === "allow" ? { egressAllow: allowed.allow } : {}),
        onEvent: (event) => {
          if (event.kind === "ready") ready += 1;
        },
      }),
    );
  }
  await until(() => ready >= options.count);
  return agents;
}

/** Answers POST /upload with the length and SHA-256 of the body. */
async function startTarget(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const hash = createHash("sha256");
    let bytes = 0;
    request.on("error", () => response.destroy());
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    request.once("end", () => response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") })));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function findPorts(): Promise<{ proxy: number; tunnel: number; ops: number }> {
  const finder = openPortFinder();
  try {
    return { proxy: await finder.find("proxy", 0), tunnel: await finder.find("tunnel", 0), ops: await finder.find("ops", 0) };
  } finally {
    await finder.close();
  }
}
