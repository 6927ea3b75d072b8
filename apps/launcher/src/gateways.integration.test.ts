import { until } from "@karvon/testkit";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Exchange, openKeptConnections, runConnect, runSocks5, type SessionOutcome } from "../../../scripts/lib/proxy-sessions.ts";
import { type GatewayRig, openGatewayRig } from "./test/gateway-rig.ts";

const pids = (rig: GatewayRig): number[] => rig.gateways.list().map(({ pid }) => pid);
const short = (rig: GatewayRig): Exchange => ({
  host: "127.0.0.1",
  port: rig.targetPort,
  body: randomBytes(2_048),
  pieces: 1,
  durationMs: 0,
});
const long = (rig: GatewayRig): Exchange => ({ ...short(rig), body: randomBytes(100_000), pieces: 20, durationMs: 4_000 });

interface Load {
  readonly outcomes: readonly SessionOutcome[];
  /** Sessions that are one connection each; requests of kept connections share theirs. */
  readonly tunnelled: number;
}

/** Sessions of all three kinds until `work` is done, one every 20 ms. */
async function loadWhile(rig: GatewayRig, work: Promise<unknown>): Promise<Load> {
  const kept = openKeptConnections(rig.proxy);
  const tunnels = [runConnect(rig.proxy, long(rig)), runSocks5(rig.proxy, long(rig))];
  const requests = [kept.run(long(rig))];
  const done = new AbortController();
  void work.finally(() => done.abort());
  while (!done.signal.aborted) {
    tunnels.push(runConnect(rig.proxy, short(rig)));
    await pause(20);
    tunnels.push(runSocks5(rig.proxy, short(rig)));
    await pause(20);
    requests.push(kept.run(short(rig)));
    await pause(20);
  }
  const outcomes = await Promise.all([...tunnels, ...requests]);
  kept.close();
  return { outcomes, tunnelled: tunnels.length };
}

describe("one gateway process", () => {
  let rig: GatewayRig;
  beforeAll(async () => {
    rig = await openGatewayRig({ count: 1, nodes: 3 });
  });
  afterAll(() => rig.close());

  test("is replaced under load: nobody is refused, nothing is cut, and what was carried is in the books", async () => {
    const [before] = pids(rig);
    const restarting = rig.gateways.restart();
    const { outcomes, tunnelled } = await loadWhile(rig, restarting);
    await restarting;
    expect(outcomes.filter(({ kind }) => kind !== "complete")).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(50);
    expect(pids(rig)).not.toContain(before);
    expect(rig.said).toEqual([]);
    expect((await fetch(`http://127.0.0.1:${rig.opsPort}/readyz`)).ok).toBe(true);
    await until(
      async () => {
        const { rows } = await rig.fixtures.pool.query(
          "SELECT count(*)::int AS sessions FROM proxy_session WHERE closed_at IS NOT NULL AND protocol <> 'http'",
        );
        return rows[0]?.sessions === tunnelled;
      },
      { timeoutMs: 12_000, what: "every session's row" },
    );
  });
});
