import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EgressAllow, type OwnerLimits, currentConsent, defaultOwnerLimits, noEgressAllow, parseEgressAllow } from "@karvon/domain";
import { until } from "@karvon/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Agent,
  type AgentEvent,
  type AgentOptions,
  type AgentStore,
  createFixedDevice,
  enrolAgent,
  openAgentStore,
  startAgent,
  withdrawAgent,
} from "./index.ts";
import { other, pinned } from "./test/certificates.ts";
import { startEcho, startServer } from "./test/servers.ts";
import { TestGateway } from "./test/test-gateway.ts";

const closers: (() => unknown)[] = [];
let gateway: TestGateway;
let folder: string;

beforeEach(async () => {
  gateway = new TestGateway();
  await gateway.listen();
  folder = mkdtempSync(join(tmpdir(), "karvon-agent-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await gateway.close();
  rmSync(folder, { recursive: true });
});

async function enrol(code = gateway.makeCode()): Promise<AgentStore> {
  const outcome = await enrolAgent({ folder, code, label: "shelf phone", consent: { text: currentConsent, acceptedAtMs: Date.now() } });
  if (outcome.kind !== "enrolled") throw new Error(outcome.reason);
  return outcome.store;
}

interface Started {
  readonly agent: Agent;
  readonly events: AgentEvent[];
  readonly device: ReturnType<typeof createFixedDevice>;
}

async function start(store: AgentStore, options: Partial<AgentOptions> & { limit?: Partial<OwnerLimits> } = {}): Promise<Started> {
  const { limit, ...rest } = options;
  const events: AgentEvent[] = [];
  const device = createFixedDevice({ batteryPercent: 80, isCharging: false, network: "wifi" }, 100);
  const limits = { ...defaultOwnerLimits, ...limit };
  const agent = await startAgent({ store, limits, device, onEvent: (event) => events.push(event), delayFactor: 0.1, ...rest });
  closers.push(() => agent.stop());
  await until(() => gateway.ready.length > 0);
  return { agent, events, device };
}

function allowLoopback(): EgressAllow {
  const parsed = parseEgressAllow(["127.0.0.1/32"]);
  return parsed.kind === "allow" ? parsed.allow : noEgressAllow;
}

async function echo(): Promise<number> {
  const server = await startEcho();
  closers.push(() => server.close());
  return server.port;
}

function lastStatus() {
  return gateway.statuses.at(-1);
}

describe("enrolment", () => {
  test("gives the device an identity that only its owner can read", async () => {
    const store = await enrol();
    expect(store.identity).toMatchObject({ label: "shelf phone", operatorName: "Test operator", algorithm: "p256" });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "identity.json")).mode & 0o777).toBe(0o600);
    expect(openAgentStore(folder).identity).toEqual(store.identity);
  });

  test("refuses a used, a malformed and an unreachable code with a sentence for the owner", async () => {
    const code = gateway.makeCode();
    await enrol(code);
    await expect(enrol(code)).rejects.toThrow("This code was used already.");
    await expect(enrol("kve1.nonsense")).rejects.toThrow(/enrolment code is wrong/);
    const late = gateway.makeCode();
    await gateway.close();
    await expect(enrol(late)).rejects.toThrow(/cannot be reached/);
  });

  test("tells nothing to a gateway that has another key than the code's", async () => {
    gateway.certificate = other;
    await expect(enrol()).rejects.toThrow(/another key/);
    gateway.certificate = pinned;
    const store = await enrol();
    gateway.certificate = other;
    const before = gateway.sessionSeqs.length;
    const events: AgentEvent[] = [];
    const device = createFixedDevice({});
    const agent = await startAgent({ store, limits: defaultOwnerLimits, device, onEvent: (event) => events.push(event), delayFactor: 0.1 });
    closers.push(() => agent.stop());
    await until(() => events.some((event) => event.kind === "disconnected" && event.reason.includes("another key")));
    expect(gateway.sessionSeqs.length).toBe(before);
    expect(gateway.ready).toHaveLength(0);
  });
});

describe("relaying", () => {
  test("carries 5 MB up and down unchanged and shows the owner what passes", async () => {
    const port = await echo();
    const { agent, events } = await start(await enrol(), { egressAllow: allowLoopback() });
    const { stream, outcome } = gateway.open("127.0.0.1", port);
    expect(await outcome).toMatchObject({ kind: "opened", connected: { address: "127.0.0.1", family: 4 } });
    expect(events.find((event) => event.kind === "stream-opened")).toMatchObject({ host: "127.0.0.1", port, address: "127.0.0.1" });

    const payload = randomBytes(5_000_000);
    const back = createHash("sha256");
    let backBytes = 0;
    const pipe = stream.toDuplex();
    const isBack = new Promise((resolve, reject) => {
      pipe.on("data", (chunk: Buffer) => {
        back.update(chunk);
        backBytes += chunk.length;
      });
      pipe.once("end", resolve);
      pipe.once("error", reject);
    });
    pipe.end(payload);
    await isBack;
    expect(backBytes).toBe(payload.length);
    expect(back.digest("hex")).toBe(createHash("sha256").update(payload).digest("hex"));

    await until(() => events.some((event) => event.kind === "stream-closed"));
    const closed = events.find((event) => event.kind === "stream-closed");
    expect(closed).toMatchObject({ host: "127.0.0.1", port, upBytes: payload.length, downBytes: payload.length });
    await until(() => agent.snapshot().status?.dayBytes === 2 * payload.length);
  });

  test("reports battery and network when it joins and when they change", async () => {
    const { device } = await start(await enrol(), { limit: { dailyLimitBytes: 500_000_000 } });
    await until(() => lastStatus()?.batteryPercent === 80);
    expect(lastStatus()).toMatchObject({ network: "wifi", isCharging: false, accepting: true, reason: null, dayLimitBytes: 500_000_000 });
    device.set({ batteryPercent: 79, network: "cellular", isMetered: true });
    await until(() => lastStatus()?.batteryPercent === 79);
    expect(lastStatus()).toMatchObject({ network: "cellular", isMetered: true });
  });

  test("says why a connection cannot be made", async () => {
    const free = await startEcho();
    await free.close();
    await start(await enrol(), { egressAllow: allowLoopback(), resolve: () => Promise.reject(new Error("ENOTFOUND")) });
    expect(await gateway.open("127.0.0.1", free.port).outcome).toEqual({ kind: "refused", code: "refused" });
    expect(await gateway.open("nowhere.example.com", 443).outcome).toEqual({ kind: "refused", code: "dns" });
  });
});

test("a target that resets at once is told apart from one that takes no connection", async () => {
  const target = await startServer((socket) => void socket.resetAndDestroy());
  closers.push(() => target.close());
  await start(await enrol(), { egressAllow: allowLoopback() });
  for (let round = 0; round < 10; round += 1) {
    // Whether the reset comes before this device has heard that it is connected is the system's affair.
    const { outcome, end } = gateway.open("127.0.0.1", target.port);
    const first = await outcome;
    if (first.kind === "refused") expect(first.code).toBe("targetReset");
    else expect(await end).toEqual({ kind: "reset", by: "peer", code: "targetReset" });
  }
});

describe("destination policy on the device", () => {
  test("refuses private addresses in every form, even when the gateway asks", async () => {
    const canary = await startServer((socket) => void socket.end("reached"));
    closers.push(() => canary.close());
    const answers: Record<string, string[]> = {
      "rebound.example.com": ["127.0.0.1"],
      "lan.example.com": ["192.168.1.1", "10.0.0.1"],
      "zero.example.com": ["0.0.0.0"],
      "mapped.example.com": ["::ffff:127.0.0.1"],
      "nat64.example.com": ["64:ff9b::7f00:1"],
    };
    await start(await enrol(), { resolve: (host) => Promise.resolve((answers[host] ?? []).map((address) => ({ address, family: 4 }))) });
    const hosts = [...Object.keys(answers), "127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "::1", "::ffff:127.0.0.1"];
    for (const host of [...hosts, "169.254.169.254", "100.64.0.1", "metadata.google.internal", "fe80::1", "[::1]"]) {
      for (const port of [80, canary.port]) {
        expect(await gateway.open(host, port).outcome, `${host}:${port}`).toEqual({ kind: "refused", code: "policy" });
      }
    }
    expect(canary.hits()).toBe(0);
  });

  test("refuses closed ports of public hosts", async () => {
    await start(await enrol(), { resolve: () => Promise.resolve([{ address: "93.184.216.34", family: 4 }]) });
    for (const port of [25, 22, 445, 5_555, 3_306, 9_999]) {
      expect(await gateway.open("www.example.com", port).outcome, `port ${port}`).toEqual({ kind: "refused", code: "policy" });
    }
  });

  test("refuses the gateway's own door even when an allowance covers it", async () => {
    await start(await enrol(), { egressAllow: allowLoopback() });
    expect(await gateway.open("127.0.0.1", gateway.port).outcome).toEqual({ kind: "refused", code: "policy" });
  });

  test("connects to the judged address of a mixed answer, never to the name again", async () => {
    const port = await echo();
    let lookups = 0;
    const resolve = () => {
      lookups += 1;
      return Promise.resolve([
        { address: "192.168.1.1", family: 4 },
        { address: lookups === 1 ? "127.0.0.1" : "10.0.0.1", family: 4 },
      ]);
    };
    await start(await enrol(), { egressAllow: allowLoopback(), resolve });
    expect(await gateway.open("mixed.example.com", port).outcome).toMatchObject({ kind: "opened", connected: { address: "127.0.0.1" } });
    expect(lookups).toBe(1);
  });
});

describe("the owner's limits", () => {
  test("the daily limit cuts what passes, refuses more, and survives a restart", async () => {
    const port = await echo();
    const store = await enrol();
    const first = await start(store, { egressAllow: allowLoopback(), limit: { dailyLimitBytes: 1_000_000 } });
    const { stream, outcome, end } = gateway.open("127.0.0.1", port);
    expect((await outcome).kind).toBe("opened");
    const pipe = stream.toDuplex();
    pipe.on("error", () => undefined);
    pipe.resume();
    const feed = setInterval(() => {
      if (!pipe.destroyed) pipe.write(Buffer.alloc(100_000));
    }, 20);
    closers.push(() => clearInterval(feed));
    expect(await end).toEqual({ kind: "reset", by: "peer", code: "quota" });
    await until(() => lastStatus()?.reason === "daily_limit");
    expect(lastStatus()?.accepting).toBe(false);
    expect(await gateway.open("127.0.0.1", port).outcome).toEqual({ kind: "refused", code: "quota" });

    await first.agent.stop();
    gateway.drop();
    await start(openAgentStore(folder), { egressAllow: allowLoopback(), limit: { dailyLimitBytes: 1_000_000 } });
    expect(await gateway.open("127.0.0.1", port).outcome).toEqual({ kind: "refused", code: "quota" });
  });

  test("a low battery or leaving Wi-Fi cuts what passes, and service returns with them", async () => {
    const port = await echo();
    const { device } = await start(await enrol(), { egressAllow: allowLoopback(), limit: { wifiOnly: true, minBatteryPercent: 30 } });
    for (const [worse, better, reason] of [
      [{ batteryPercent: 29 }, { batteryPercent: 31 }, "battery_low"],
      [{ network: "cellular" }, { network: "wifi" }, "not_on_wifi"],
    ] as const) {
      const passing = gateway.open("127.0.0.1", port);
      expect((await passing.outcome).kind).toBe("opened");
      device.set(worse);
      expect(await passing.end).toEqual({ kind: "reset", by: "peer", code: "ownerStopped" });
      await until(() => lastStatus()?.reason === reason);
      expect(await gateway.open("127.0.0.1", port).outcome).toEqual({ kind: "refused", code: "ownerStopped" });
      device.set(better);
      await until(() => lastStatus()?.accepting === true);
    }
  });
});

describe("stopping", () => {
  test("ends every stream and says good-bye at once", async () => {
    const port = await echo();
    const { agent } = await start(await enrol(), { egressAllow: allowLoopback() });
    const passing = gateway.open("127.0.0.1", port);
    expect((await passing.outcome).kind).toBe("opened");
    const startedAtMs = performance.now();
    const stopped = agent.stop();
    expect(await passing.end).toEqual({ kind: "reset", by: "peer", code: "ownerStopped" });
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    await stopped;
    expect(gateway.goAways).toContain("ownerStopped");
    expect(agent.snapshot()).toMatchObject({ phase: "stopped", streams: [] });
  });

  test("withdrawing tells the gateway, stops a running agent within seconds and keeps it stopped", async () => {
    const store = await enrol();
    const { agent, events } = await start(store);
    expect(await withdrawAgent({ store: openAgentStore(folder) })).toEqual({ kind: "told" });
    await agent.done;
    expect(gateway.withdrawals).toBeGreaterThanOrEqual(1);
    expect(events.map(({ kind }) => kind)).toContain("withdrawn");
    expect(openAgentStore(folder).isWithdrawn()).toBe(true);
  });

  test("withdrawing counts on the device when the gateway is away", async () => {
    const store = await enrol();
    await gateway.close();
    expect((await withdrawAgent({ store })).kind).toBe("not-told");
    expect(openAgentStore(folder).isWithdrawn()).toBe(true);
  });
});

describe("losing the gateway", () => {
  test("the agent dials again after a drop, each time with a higher session number", async () => {
    const { events } = await start(await enrol());
    for (let round = 2; round <= 4; round += 1) {
      gateway.drop();
      await until(() => gateway.ready.length === 1);
    }
    expect(gateway.failures).toEqual([]);
    expect(gateway.sessionSeqs.length).toBeGreaterThanOrEqual(4);
    expect(gateway.sessionSeqs).toEqual([...new Set(gateway.sessionSeqs)].toSorted((a, b) => a - b));
    await until(() => events.filter(({ kind }) => kind === "ready").length >= 4);
  });

  test("a refusal is shown and not hurried after", async () => {
    const store = await enrol();
    gateway.refuseWith = { code: "suspended", message: "The operator suspended this node." };
    const events: AgentEvent[] = [];
    const agent = await startAgent({
      store,
      limits: defaultOwnerLimits,
      device: createFixedDevice({}),
      onEvent: (event) => events.push(event),
    });
    closers.push(() => agent.stop());
    await until(() => events.some(({ kind }) => kind === "disconnected"));
    expect(events).toContainEqual({ kind: "refused", code: "suspended", message: "The operator suspended this node." });
    const waiting = events.find((event) => event.kind === "disconnected");
    expect(waiting?.kind === "disconnected" ? waiting.retryInMs : 0).toBeGreaterThanOrEqual(15_000);
  });

  test("a node that is sent away while it serves shows the reason and keeps its distance", async () => {
    const { events } = await start(await enrol());
    gateway.node().sendControl("refused", { code: "node_suspended", message: "This device is suspended." });
    gateway.node().goAway("suspended");
    gateway.node().close();
    await until(() => events.some(({ kind }) => kind === "disconnected"));
    expect(events).toContainEqual({ kind: "refused", code: "node_suspended", message: "This device is suspended." });
    const waiting = events.find((event) => event.kind === "disconnected");
    expect(waiting?.kind === "disconnected" ? waiting.retryInMs : 0).toBeGreaterThanOrEqual(1_500);
  });

  test("a gateway in trouble of its own is asked again soon", async () => {
    const store = await enrol();
    gateway.refuseWith = { code: "internal", message: "Try again." };
    const device = createFixedDevice({});
    const agent = await startAgent({ store, limits: defaultOwnerLimits, device, delayFactor: 0.1 });
    closers.push(() => agent.stop());
    await until(() => gateway.sessionSeqs.length >= 2);
    gateway.refuseWith = null;
    await until(() => gateway.ready.length === 1);
    expect(agent.snapshot().phase).not.toBe("stopped");
  });

  test("a polite restart lets open streams finish beside the new connection", async () => {
    const port = await echo();
    await start(await enrol(), { egressAllow: allowLoopback() });
    const { stream, outcome } = gateway.open("127.0.0.1", port);
    expect((await outcome).kind).toBe("opened");
    gateway.node().goAway("shutdown");
    await until(() => gateway.ready.length === 2);
    const pipe = stream.toDuplex();
    const answer = new Promise<string>((resolve, reject) => {
      pipe.once("data", (chunk: Buffer) => resolve(chunk.toString()));
      pipe.once("error", reject);
    });
    pipe.end("still here");
    expect(await answer).toBe("still here");
  });

  test("asked for a second connection it serves on the first until the second stands, and a good-bye on the first changes nothing", async () => {
    const port = await echo();
    const { agent, events } = await start(await enrol(), { egressAllow: allowLoopback() });
    const first = gateway.node();
    const held = gateway.open("127.0.0.1", port);
    expect((await held.outcome).kind).toBe("opened");
    first.redial();
    await until(() => gateway.ready.length === 2);
    first.goAway("replaced");
    const duplex = held.stream.toDuplex();
    duplex.end("old line");
    expect(Buffer.concat(await duplex.toArray()).toString()).toBe("old line");
    const fresh = gateway.open("127.0.0.1", port);
    expect((await fresh.outcome).kind).toBe("opened");
    expect(agent.snapshot().phase).toBe("serving");
    expect(events.filter((event) => event.kind === "disconnected")).toEqual([]);
  });

  test("a second connection that is refused leaves the first one serving", async () => {
    const port = await echo();
    const { agent, events } = await start(await enrol(), { egressAllow: allowLoopback(), delayFactor: 0.01 });
    gateway.refuseWith = { code: "internal", message: "Try again." };
    gateway.node().redial();
    await until(() => events.filter((event) => event.kind === "refused").length === 4);
    expect((await gateway.open("127.0.0.1", port).outcome).kind).toBe("opened");
    expect(agent.snapshot().phase).toBe("serving");
    expect(gateway.ready).toHaveLength(1);
  });

  test("noise instead of a gateway does not end the agent", async () => {
    const store = await enrol();
    const noise = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume().end(randomBytes(2_000));
    });
    await new Promise<void>((resolve) => noise.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => noise.close(resolve)));
    const address = noise.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const events: AgentEvent[] = [];
    const device = createFixedDevice({});
    const common = { store, limits: defaultOwnerLimits, device, delayFactor: 0.05, onEvent: (event: AgentEvent) => events.push(event) };
    const agent = await startAgent({ ...common, gateway: { host: "127.0.0.1", port } });
    closers.push(() => agent.stop());
    await until(() => events.filter(({ kind }) => kind === "disconnected").length >= 3);
    expect(agent.snapshot().phase).not.toBe("stopped");
  });
});

test("the announced address travels in a PROXY protocol header", async () => {
  await start(await enrol(), { proxyProtocolSource: { address: "84.54.71.1", port: 40_000 } });
  expect(gateway.proxyHeaders.at(-1)).toMatch(/^PROXY TCP4 84\.54\.71\.1 127\.0\.0\.1 40000 \d+$/);
});
