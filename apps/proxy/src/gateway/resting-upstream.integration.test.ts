/** What a session between two requests says about its node: nothing. Over a real tunnel, with a clock of the test's. */
import { NodeQuality } from "@karvon/domain";
import { Allowance, createTunnel, type Tunnel, type TunnelStream } from "@karvon/tunnel";
import { readRequestHead } from "@karvon/wire";
import { until } from "@karvon/testkit";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createSessionLog } from "../radar/session-log.ts";
import { createRouter } from "../router/choose-exit.ts";
import { createNodeDirectory } from "../router/node-directory.ts";
import { createStickySessions } from "../router/sticky-sessions.ts";
import { createAccounts } from "../session/accounts.ts";
import { SessionLine } from "../session/session-line.ts";
import { SessionSlot } from "../session/session-limits.ts";
import { createSharedCounts } from "../session/shared-count.ts";
import { accountFacts } from "../test/account-facts.ts";
import { dial } from "../test/raw-client.ts";
import { LiveNode, unknownPlace } from "../tunnel/live-node.ts";
import { RestingUpstream } from "./resting-upstream.ts";
import { Upstream } from "./upstream.ts";

const answerBytes = 400_000;
let nowMs: number;
let server: Server;
let client: Socket;
let tunnels: Tunnel[];
const clock = (): number => nowMs;

beforeEach(async () => {
  nowMs = 1_000_000;
  tunnels = [];
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  for (const tunnel of tunnels) tunnel.close();
  client.destroy();
  server.close();
});

/** Both ends of a tunnel whose node answers every opening with `answerBytes` bytes. */
async function openTunnel(): Promise<Tunnel> {
  const accepted = once(server, "connection");
  const address = server.address();
  const nodeSocket = await dial(typeof address === "object" && address !== null ? address.port : 0);
  const [gatewaySocket]: Socket[] = await accepted;
  if (gatewaySocket === undefined) throw new Error("no connection was accepted");
  gatewaySocket.on("error", () => undefined);
  client = await dialAgain();
  const node = createTunnel({ socket: nodeSocket, role: "node", onOpen: answer });
  const gateway = createTunnel({ socket: gatewaySocket, role: "gateway" });
  tunnels = [node, gateway];
  return gateway;
}

async function dialAgain(): Promise<Socket> {
  const address = server.address();
  return dial(typeof address === "object" && address !== null ? address.port : 0);
}

function answer(stream: TunnelStream): void {
  stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 });
  stream.toDuplex().write(Buffer.alloc(answerBytes));
}

const facts = {
  id: "ses_1",
  openedAtMs: 1_000_000,
  clientId: "cli_1",
  proxyUserId: "pxu_1",
  operatorId: "opr_1",
  nodeId: "nod_1",
  priceId: "prc_1",
  protocol: "http" as const,
  targetHost: "example.com",
  targetPort: 80,
  clientAddress: null,
  hasPassword: true,
  exitAddress: null,
  exitCountry: null,
  exitCity: null,
  exitAsn: null,
  connectionType: "wifi" as const,
  stickySession: null,
  tag: null,
  connectMs: 1,
  failedAttempts: 0,
};

async function openUpstream(): Promise<{ upstream: Upstream; node: LiveNode; user: SessionSlot["user"] }> {
  const tunnel = await openTunnel();
  const directory = createNodeDirectory<LiveNode>(clock);
  const sticky = createStickySessions({ nowMs: clock });
  const node = new LiveNode(
    { nodeId: "nod_1", operatorId: "opr_1", keyId: "key_1", algorithm: "ed25519", label: "", isDemo: false, status: "active" },
    {
      tunnel,
      place: unknownPlace,
      publicAddress: "192.0.2.9",
      quality: new NodeQuality(nowMs),
      streamsMax: 8,
      connectedAtMs: nowMs,
      sessionSeq: 1,
    },
  );
  directory.put(node);
  const user = createAccounts(clock).update({ ...accountFacts, balanceBytes: 1_000_000_000n });
  const router = createRouter({ directory, sticky, monotonicMs: clock, random: Math.random });
  const sessions = createSessionLog({ nowMs: clock, monotonicMs: clock, unpostedSessionsMax: 10 });
  const stream = await new Promise<TunnelStream>((resolve, reject) => {
    const opened: TunnelStream = tunnel.open(
      { host: "example.com", port: 80 },
      { onOpened: () => setImmediate(() => resolve(opened)), onRefused: () => reject(new Error("refused")) },
    );
  });
  const attempt = {
    kind: "opened" as const,
    stream,
    connected: { address: "192.0.2.1", family: 4 as const, connectMs: 1 },
    opening: { ended: null },
  };
  const slot = new SessionSlot(user, createSharedCounts());
  const line = new SessionLine(
    { sessions, router, names: sticky, nowMs: clock },
    { facts, node, attempt, slot, maxBytes: null, tag: null, allowances: [new Allowance(Infinity, null)], sticky: null, isUnnamed: false },
  );
  const opened = { kind: "opened" as const, line, node, sticky: null, stickyName: null, isExitChanged: false };
  const key = { authorization: null, host: "example.com", port: 80 };
  const upstream = new Upstream({
    opened,
    key,
    socket: client,
    onRestEnded: () => undefined,
    onFault: (cause) => expect(cause).toBeNull(),
  });
  upstream.user = { answered: () => true, targetEnded: () => undefined, targetLost: () => undefined, targetHasRoom: () => undefined };
  upstream.connect();
  await until(() => stream.downBytes === answerBytes, { what: "the whole answer" });
  return { upstream, node, user };
}

const feed = readRequestHead(Buffer.from("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"));
const target = { host: "example.com", port: 80 };

test("the time between two requests does not make a node slow", async () => {
  const { upstream, node, user } = await openUpstream();
  const resting = new RestingUpstream(clock);
  upstream.user = null;
  resting.put(upstream);
  nowMs += 10_000;
  if (feed.kind !== "message") throw new Error("the head is not read");
  expect(resting.take(feed.message, target, user)).toBe(upstream);
  nowMs += 500;
  resting.put(upstream);
  nowMs += 10_000;
  resting.end();
  expect(node.quality.weightAt(nowMs)).toBe(1);
});

test("the time that a request takes does", async () => {
  const { upstream, node } = await openUpstream();
  nowMs += 20_000;
  upstream.finish();
  expect(node.quality.weightAt(nowMs)).toBeLessThan(0.95);
});
