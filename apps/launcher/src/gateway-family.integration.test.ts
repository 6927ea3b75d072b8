import { until } from "@karvon/testkit";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Exchange, type ProxyAddress, runConnect } from "../../../scripts/lib/proxy-sessions.ts";
import type { RunningGateway } from "./gateways.ts";
import { type GatewayRig, openGatewayRig } from "./test/gateway-rig.ts";

/** The exit's address, or the code of the refusal. */
function exitOf(proxy: ProxyAddress, targetPort: number): Promise<string> {
  const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
  const target = `127.0.0.1:${targetPort}`;
  return new Promise((resolve, reject) => {
    const headers = { host: target, "proxy-authorization": `Basic ${login}` };
    const asked = request({ host: proxy.host, port: proxy.port, path: `http://${target}/`, headers, agent: false }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(String(answer.headers["x-px-exit-ip"] ?? answer.headers["x-error-code"])));
    });
    asked.once("error", reject);
    asked.end();
  });
}

async function metric(gateway: RunningGateway, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.opsPort}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? "NaN");
}

const namesOf = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `-${prefix}${at}`);
const hardNames = (count: number): string[] => namesOf("hardsession-n", count);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("one gateway process", () => {
  let rig: GatewayRig;
  beforeAll(async () => {
    rig = await openGatewayRig({ count: 1, nodes: 3 });
  });
  afterAll(() => rig.close());

  test("hands its named sessions to its successor: no hard session has another exit, before, meanwhile or afterwards", async () => {
    const names = hardNames(12);
    const exitsNow = (): Promise<string[]> => Promise.all(names.map((name) => exitOf(rig.as(name), rig.targetPort)));
    const exits = await exitsNow();
    expect(exits.filter((exit) => exit.startsWith("203.0.113."))).toHaveLength(names.length);
    const done = new AbortController();
    const restarting = rig.gateways.restart().finally(() => done.abort());
    let times = 0;
    while (!done.signal.aborted) {
      expect(await exitsNow()).toEqual(exits);
      times += 1;
    }
    await restarting;
    expect(times).toBeGreaterThan(1);
    expect(await exitsNow()).toEqual(exits);
    expect(rig.said).toEqual([]);
  });
});

describe("two gateway processes", () => {
  const nodes = 6;
  let crowd = 0;
  let rig: GatewayRig;
  beforeAll(async () => {
    rig = await openGatewayRig({ count: 2, nodes });
  });
  afterAll(() => rig.close());

  const exitsOf = (names: readonly string[]): Promise<string[]> => Promise.all(names.map((name) => exitOf(rig.as(name), rig.targetPort)));

  test("give each session name one exit, whichever of them a client lands on", async () => {
    const names = hardNames(20);
    const exits = await exitsOf(names);
    await until(async () => {
      expect(await exitsOf(names)).toEqual(exits);
      const opened = await Promise.all(rig.gateways.list().map((gateway) => metric(gateway, "karvon_sessions_total")));
      return opened.every((sessions) => sessions > 20);
    });
    expect(new Set(exits).size).toBeGreaterThan(1);
  });

  test("lose with a killed process its own sessions only, and no hard session gets another exit", async () => {
    const names = hardNames(20);
    const exits = await exitsOf(names);
    const gateways = rig.gateways.list();
    const tunnels = await Promise.all(gateways.map((gateway) => metric(gateway, "karvon_tunnels")));
    const [victim, survivor] = (tunnels[1] ?? 0) > 0 ? gateways : gateways.toReversed();
    if (victim === undefined || survivor === undefined) throw new Error("there are no two");
    const before = await metric(survivor, "karvon_sessions_total");
    const exchange: Exchange = { host: "127.0.0.1", port: rig.targetPort, body: randomBytes(50_000), pieces: 20, durationMs: 4_000 };
    const running = Array.from({ length: 24 }, () => runConnect(rig.proxy, exchange));
    const spared = await until(async () => {
      const open = (await metric(victim, "karvon_sessions_open")) + (await metric(survivor, "karvon_sessions_open"));
      const here = (await metric(survivor, "karvon_sessions_total")) - before;
      return open === running.length && here > 0 ? here : null;
    });
    process.kill(victim.pid, "SIGKILL");
    await until(() => !rig.gateways.list().some(({ pid }) => pid === victim.pid), { timeoutMs: 20_000 });
    for (const [at, exit] of (await exitsOf(names)).entries()) expect([exits[at], "session_lost"]).toContain(exit);
    const outcomes = await Promise.all(running);
    expect(outcomes.filter(({ kind }) => kind === "complete")).toHaveLength(spared);
  });

  test("keep every name when the process that leads is killed, and the next one leads", async () => {
    await everyNodeIsChosen();
    const [early, late, sticky] = [namesOf("hardsession-early", 10), namesOf("hardsession-late", 10), namesOf("session-soft", 10)];
    const [earlyExits, lateExits, stickyExits] = [await exitsOf(early), await exitsOf(late), await exitsOf(sticky)];
    for (const exit of [...earlyExits, ...lateExits, ...stickyExits]) expect(exit).toMatch(/^203\.0\.113\./);
    const gateways = rig.gateways.list();
    const leading = await Promise.all(gateways.map((gateway) => metric(gateway, "karvon_leader")));
    expect(leading.toSorted()).toEqual([0, 1]);
    const [leader, heir] = leading[0] === 1 ? gateways : gateways.toReversed();
    if (leader === undefined || heir === undefined) throw new Error("there are no two");
    await toldEverything(heir);
    process.kill(leader.pid, "SIGKILL");
    await until(() => !isAlive(leader.pid));
    // Asked for before its node is back, a hard session may be lost, but it has no other exit.
    const afterwards = await exitsOf(early);
    for (const [at, exit] of afterwards.entries()) expect([earlyExits[at], "session_lost"]).toContain(exit);
    expect(await metric(heir, "karvon_leader")).toBe(1);
    await everyNodeIsChosen();
    expect(await exitsOf(late)).toEqual(lateExits);
    expect(await exitsOf(sticky)).toEqual(stickyExits);
    for (const [at, exit] of (await exitsOf(early)).entries()) {
      if (afterwards[at] === "session_lost") expect(exit).toBe("session_lost");
      else expect(exit).toBe(earlyExits[at]);
    }
    expect(await metric(heir, "karvon_leader")).toBe(1);
  });

  /** A copy that holds a new name holds all that came before: a process that does not lead answers with one only then. */
  async function toldEverything(heir: RunningGateway): Promise<void> {
    const before = await metric(heir, "karvon_sessions_total");
    let last = 0;
    await until(async () => {
      last += 1;
      await exitOf(rig.as(`-session-marker${last}`), rig.targetPort);
      return (await metric(heir, "karvon_sessions_total")) > before;
    });
  }

  /** From now on: the process that leads knows all nodes. */
  async function everyNodeIsChosen(): Promise<void> {
    const seen = new Set<string>();
    let round = 0;
    const isEach = async (): Promise<boolean> => {
      round += 1;
      const exits = await exitsOf(namesOf(`session-seen${crowd}r${round}n`, 12));
      for (const exit of exits) if (exit.startsWith("203.0.113.")) seen.add(exit);
      return seen.size === nodes;
    };
    crowd += 1;
    await until(isEach, { timeoutMs: 20_000, what: "an exit by every node" });
  }
});
