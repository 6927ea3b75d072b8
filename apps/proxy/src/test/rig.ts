/**
 * A whole gateway for tests: database of its own, running proxy, nodes on real tunnels, an origin, a client with traffic.
 *
 * `close` ends everything in order; a process warning during the test makes it throw.
 */
import { hashProxyPassword, makeDeviceKey, makeProxyPassword, deviceFingerprint } from "@karvon/security";
import { createLogger } from "@karvon/telemetry";
import { createTestDatabase, type Fixtures, openFixtures, type TestDatabase } from "@karvon/testkit";
import { newId } from "@karvon/domain";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyOptions } from "../proxy-options.ts";
import { type RunningProxy, startProxy } from "../start-proxy.ts";
import { type NodePlace, unknownPlace } from "../tunnel/live-node.ts";
import { testCertPem, testKeyPem } from "./certificate.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { readMetric } from "./read-metric.ts";
import { startTestNode, type TestNode, type TestNodeOptions } from "./test-node.ts";

export const pepper = Buffer.alloc(32, 7);
export const serviceToken = "test-service-token";

export interface Login {
  readonly clientId: string;
  readonly proxyUserId: string;
  readonly username: string;
  readonly password: string;
}

export interface Rig {
  readonly proxy: RunningProxy;
  readonly fixtures: Fixtures;
  readonly origin: Origin;
  readonly logLines: readonly Record<string, unknown>[];
  readonly databaseUrl: string;
  /** By address. */
  readonly places: Map<string, NodePlace>;
  makeLogin(options?: { bytes?: bigint; trafficLimitBytes?: bigint }): Promise<Login>;
  addNode(options?: NewNode): Promise<TestNode>;
  /** Dials again with a node that is known. */
  redial(node: TestNode, change?: Partial<TestNodeOptions>): Promise<TestNode>;
  metrics(): Promise<string>;
  /** One figure of them; NaN when it is not there. */
  metric(name: string): Promise<number>;
  ops(path: string, token?: string): Promise<Response>;
  close(): Promise<void>;
}

export interface NewNode extends Partial<TestNodeOptions> {
  readonly place?: Partial<NodePlace>;
  readonly operatorId?: string;
}

export type RigOptions = Partial<
  Pick<
    ProxyOptions,
    | "load"
    | "opsHost"
    | "egressAllow"
    | "drainMs"
    | "flushIntervalMs"
    | "aliasPorts"
    | "stickyPorts"
    | "readClientTls"
    | "clientTlsTimings"
    | "timeouts"
    | "membership"
    | "journal"
    | "identity"
  >
> & {
  /** Whose database and places this gateway uses too. That one is closed last. */
  readonly beside?: Rig;
  /** Instead of one of its own. */
  readonly database?: TestDatabase;
  /** Where the gateway finds its database instead, for a test that stands between them. */
  readonly routeDatabase?: (url: string) => Promise<string>;
};

/** Who guesses passwords waits in tests too, only not for seconds. */
const testTimeouts = { tarpitMinMs: 10, tarpitMaxMs: 20 };

/** Ports are the system's choice, nodes are nowhere. */
export function makeProxyOptions(databaseUrl: string, write: (line: string) => void): ProxyOptions {
  return {
    identity: { id: newId("gwy"), epoch: BigInt(Date.now()) },
    databaseUrl,
    proxyPort: 0,
    tunnelPort: 0,
    opsPort: 0,
    opsHost: "127.0.0.1",
    publicHost: "127.0.0.1",
    pepper,
    serviceToken,
    tunnelIdentity: { keyPem: testKeyPem, certPem: testCertPem },
    readClientTls: () => ({ keyPem: testKeyPem, certPem: testCertPem }),
    egressAllow: ["127.0.0.0/8"],
    trustedProxies: ["127.0.0.1/32"],
    locate: () => Promise.resolve(unknownPlace),
    log: createLogger({ name: "proxy", write }),
    flushIntervalMs: 1_000,
    drainMs: 200,
    // Every refusal of a test is to be found in its log, however fast the machine is.
    refusalLinesPerSecond: 10_000,
    timeouts: testTimeouts,
  };
}

export async function openRig({ beside, database: given, routeDatabase, ...options }: RigOptions = {}): Promise<Rig> {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on("warning", onWarning);
  const lent = given ?? (beside && { url: beside.databaseUrl, drop: () => Promise.resolve() });
  const database = lent ?? (await createTestDatabase());
  const fixtures = beside?.fixtures ?? openFixtures(database.url);
  const origin = await startOrigin();
  const places = beside?.places ?? new Map<string, NodePlace>();
  const known = new Map<string, TestNodeOptions>();
  const nodes: TestNode[] = [];
  const logLines: Record<string, unknown>[] = [];
  let lastSeq = 0;
  let lastAddress = 0;
  const folder = mkdtempSync(join(tmpdir(), "karvon-rig-"));
  const proxy = await startProxy({
    ...makeProxyOptions((await routeDatabase?.(database.url)) ?? database.url, (line) => logLines.push(JSON.parse(line))),
    locate: (address) => Promise.resolve(places.get(address) ?? unknownPlace),
    journal: { mode: "turn", directory: folder, segmentBytes: 1_048_576 },
    ...options,
    timeouts: { ...testTimeouts, ...options.timeouts },
  });
  const operator = await fixtures.makeOperator();

  async function start(nodeOptions: TestNodeOptions): Promise<TestNode> {
    known.set(nodeOptions.nodeId, nodeOptions);
    const node = await startTestNode(nodeOptions);
    nodes.push(node);
    return node;
  }

  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${proxy.opsPort}/metrics`)).text();

  return {
    proxy,
    fixtures,
    origin,
    logLines,
    databaseUrl: database.url,
    places,
    async makeLogin({ bytes = 1_000_000_000n, trafficLimitBytes } = {}) {
      const { clientId } = await fixtures.makeClient();
      const password = makeProxyPassword();
      const user = await fixtures.makeProxyUser(clientId, {
        secretHash: hashProxyPassword(pepper, password),
        ...(trafficLimitBytes === undefined ? {} : { trafficLimitBytes }),
      });
      if (bytes > 0n) await fixtures.credit(clientId, bytes);
      return { clientId, ...user, password };
    },
    async addNode({ place = {}, operatorId = operator.operatorId, ...change } = {}) {
      lastAddress += 1;
      lastSeq += 1;
      const address = change.address ?? `203.0.113.${lastAddress}`;
      places.set(address, {
        ...unknownPlace,
        country: "UZ",
        region: "Tashkent",
        city: "Tashkent",
        asn: 8193,
        asnName: "Uzbektelekom",
        dataVersion: "test",
        ...place,
      });
      const key = change.key ?? makeDeviceKey("ed25519");
      const ids = await fixtures.makeNode(operatorId, { publicKey: key.publicKey, fingerprint: deviceFingerprint(key.publicKey) });
      return start({ tunnelPort: proxy.tunnelPort, ...ids, key, sessionSeq: lastSeq, address, ...change });
    },
    redial(node, change = {}) {
      const nodeOptions = known.get(node.nodeId);
      if (nodeOptions === undefined) throw new Error("this node was not added here");
      lastSeq += 1;
      return start({ ...nodeOptions, sessionSeq: lastSeq, ...change });
    },
    metrics,
    metric: async (name) => readMetric(await metrics(), name),
    ops: (path, token) =>
      fetch(`http://127.0.0.1:${proxy.opsPort}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    async close() {
      await proxy.close();
      rmSync(folder, { recursive: true, force: true });
      for (const node of nodes) node.tunnel.close();
      await origin.close();
      if (beside === undefined) await fixtures.close();
      await database.drop();
      process.off("warning", onWarning);
      if (warnings.length > 0) throw new Error(`the process warned: ${warnings.map((warning) => warning.message).join("; ")}`);
    },
  };
}
