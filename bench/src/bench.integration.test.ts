import { tmpdir } from "node:os";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildLoad, whyNoLoadGenerator } from "./build-load.ts";
import { computeFigures, type Run } from "./figures.ts";
import { numberAt, valueAt, type JsonObject } from "./json.ts";
import { describeMachine } from "./machine.ts";
import { startOrigin, startProxyChain, type RunningOrigin, type RunningPeer } from "./peer.ts";
import { runLoad, type Mode } from "./run-load.ts";
import { startOtherPeer } from "./start-peer.ts";
import { workArguments, type WorkName } from "./works.ts";

/** Long enough for every work to finish requests, short enough for the test command. Nothing here is a measurement. */
const times = { seconds: 0.3, warmupS: 0.1 };
const small = ["--transfer", "262144", "--verify"];

function entranceOf({ entrances }: RunningPeer): { readonly proxy: string; readonly credentials: string } {
  const { proxy = "", credentials = "" } = entrances.tunnel ?? {};
  return { proxy, credentials };
}

describe.skipIf(whyNoLoadGenerator() !== null)("the load generator", () => {
  let buildDir = "";
  let program = "";
  let origin: RunningOrigin;
  let peer: RunningPeer;

  beforeAll(async () => {
    buildDir = mkdtempSync(join(tmpdir(), "karvon-bench-"));
    program = buildLoad(buildDir);
    origin = await startOrigin(program);
    peer = await startProxyChain();
  }, 60_000);

  afterAll(async () => {
    await Promise.all([peer.close(), origin.close()]);
    rmSync(buildDir, { recursive: true, force: true });
  });

  const run = (work: WorkName, mode: Mode, extra: readonly string[] = small): Promise<JsonObject> =>
    runLoad({
      program,
      origin: origin.address,
      ...(mode === "direct" ? {} : { ...entranceOf(peer), accounts: peer.accounts }),
      mode,
      work: [...workArguments(work, times), ...extra],
    });

  test.each(["requests", "tunnels", "down", "up"] as const)("measures %s through a proxy and finds every body whole", async (work) => {
    const result = await run(work, "connect");
    expect(result).toMatchObject({ mode: "connect", work, errors: 0, badBodies: 0, firstError: "" });
    expect(numberAt(result, ["movedBytes"])).toBeGreaterThan(0);
    expect(numberAt(result, ["requests"])).toBeGreaterThan(0);
    expect(numberAt(result, ["cpuS", "server"])).toBeGreaterThanOrEqual(0);
    expect(numberAt(result, ["memory", "server", "rssKb"])).toBeGreaterThan(0);
    expect(numberAt(result, ["otherCpuPercent"])).toBeGreaterThanOrEqual(0);
  });

  test("sends plain requests in absolute form", async () => {
    expect(await run("requests", "http")).toMatchObject({ mode: "http", errors: 0, badBodies: 0 });
  });

  test("asks at the given rate and counts latency from the moment a request was due", async () => {
    const result = await run("paced", "connect");
    expect(result).toMatchObject({ errors: 0, rate: 1000 });
    expect(numberAt(result, ["latencyUs", "p99"])).toBeGreaterThanOrEqual(numberAt(result, ["latencyUs", "p50"]) ?? Number.NaN);
  });

  test("holds idle tunnels, then finds each of them alive", async () => {
    const result = await run("hold1000", "connect", ["--connections", "50", "--seconds", "0.1"]);
    expect(result).toMatchObject({ opened: 50, upAfterHold: 50, alive: 50, errors: 0 });
    expect(numberAt(result, ["memoryHeld", "server", "anonKb"])).toBeGreaterThan(0);
  });

  test("answers everything that fell due beside readers that do not read", async () => {
    const result = await run("stalled", "connect", ["--seconds", "0.5"]);
    expect(result).toMatchObject({ stalled: 8, errors: 0 });
    expect(numberAt(result, ["issued"])).toBeGreaterThan(90);
    expect(result["requests"]).toBe(result["issued"]);
  });

  test("reads what stalled readers left, whole and in order", async () => {
    const result = await run("readers", "connect", ["--stalled", "4", "--stalled-bytes", "1000000", "--seconds", "0.2"]);
    expect(result).toMatchObject({ stalled: 4, resumedWhole: 4, badBodies: 0, errors: 0 });
    expect(numberAt(result, ["memoryStalled", "server", "rssKb"])).toBeGreaterThan(0);
  });

  test.each(["down", "up"] as const)("moves one transfer %s on each connection and ends with the last", async (work) => {
    const result = await run(work, "connect", [...small, "--once", "--seconds", "20", "--warmup", "0"]);
    expect(result).toMatchObject({ connections: 16, finished: 16, badBodies: 0, errors: 0 });
    expect(numberAt(result, ["movedBytes"])).toBeGreaterThanOrEqual(16 * 262_144);
    expect(numberAt(result, ["seconds"])).toBeLessThan(20);
  });

  test("counts a refused password as an error, in the proxy's own words", async () => {
    const result = await runLoad({
      program,
      mode: "connect",
      origin: origin.address,
      proxy: entranceOf(peer).proxy,
      credentials: "bench:wrong",
      work: [...workArguments("hold1000", times), "--connections", "2", "--seconds", "0.1"],
    });
    expect(result).toMatchObject({ opened: 0, handshakeFailures: 2 });
    expect(String(valueAt(result, ["firstError"]))).toContain("407");
  });

  test("refuses to load anything that is not on this machine", async () => {
    const away = runLoad({ program, mode: "direct", origin: "192.0.2.1:80", work: workArguments("requests", times) });
    await expect(away).rejects.toThrow("192.0.2.1:80 is not a loopback address");
  });

  test("gives each printed figure its peer, unit, time and machine", async () => {
    const at = new Date().toISOString();
    const runs: Run[] = [{ peer: "proxy-chain", work: "requests", repetition: 0, at, result: await run("requests", "connect") }];
    const [first] = computeFigures(runs, describeMachine(), at);
    expect(first).toMatchObject({ figure: "requests", unit: "requests/s", ratios: {}, at });
    expect(first?.values["proxy-chain"]).toBeGreaterThan(0);
    expect(first?.machine.cores).toBeGreaterThan(0);
  });
});

describe.skipIf(whyNoLoadGenerator() !== null)("a peer from Debian", () => {
  test("is measured where it is installed, and else left out with the package that brings it", async () => {
    const buildDir = mkdtempSync(join(tmpdir(), "karvon-bench-"));
    const program = buildLoad(buildDir);
    const origin = await startOrigin(program);
    const said: string[] = [];
    const peer = await startOtherPeer("haproxy-tls", { origin: origin.address, buildDir }, (line) => said.push(line));
    try {
      if (peer === null) {
        expect(said).toEqual(["haproxy-tls is left out: haproxy not found (Debian: apt-get install haproxy)"]);
        return;
      }
      expect(said).toEqual([]);
      const { target = "", mode = "connect" } = peer.entrances.tunnel ?? {};
      const work = [...workArguments("requests", times), "--connections", "4", "--verify"];
      const result = await runLoad({ program, mode, origin: target, accounts: peer.accounts, work });
      expect(result).toMatchObject({ errors: 0, badBodies: 0 });
      expect(numberAt(result, ["requests"])).toBeGreaterThan(0);
    } finally {
      await peer?.close();
      await origin.close();
      rmSync(buildDir, { recursive: true, force: true });
    }
  });
});

describe.skipIf(whyNoLoadGenerator() !== null)("buildLoad", () => {
  test("does not compile again what is newer than its sources", () => {
    const dir = mkdtempSync(join(tmpdir(), "karvon-bench-"));
    try {
      const program = buildLoad(dir);
      const compiledAt = statSync(program).mtimeMs;
      expect(buildLoad(dir)).toBe(program);
      expect(statSync(program).mtimeMs).toBe(compiledAt);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
