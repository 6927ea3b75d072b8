/** The ops port: where it listens, and what a client of it cannot hold. */
import { createLogger } from "@karvon/telemetry";
import { until } from "@karvon/testkit";
import { readdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { listenOps, type OpsServer } from "./ops/listen-ops.ts";
import { dial } from "./test/raw-client.ts";
import { openRig, type Rig } from "./test/rig.ts";

let rig: Rig | null = null;
let ops: OpsServer | null = null;
afterEach(async () => {
  await rig?.close();
  await ops?.close();
  rig = ops = null;
});

async function isHealthy(address: string, port: number): Promise<boolean> {
  return fetch(`http://${address}:${port}/healthz`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

describe("the ops port", () => {
  test("lets go of clients that do not read what they asked for", async () => {
    ops = await listenOps({
      host: "127.0.0.1",
      port: 0,
      publicPort: null,
      serviceToken: "token",
      // Longer than a busy machine needs to look in between.
      idleMs: 1_000,
      log: createLogger({ name: "proxy", write: () => undefined }),
      findTroubles: () => Promise.resolve([]),
      listMetrics: () => [{ name: "much", help: "x".repeat(10_000_000), type: "gauge", samples: [] }],
      readAvailability: () => ({ countries: [], total: 0 }),
      readCountryPlaces: (country) => ({
        country,
        nodes: 0,
        byType: { mobile: 0, wifi: 0, residential: 0 },
        states: [],
        cities: [],
        networks: [],
      }),
    });
    const before = countDescriptors();
    const clients = await Promise.all(Array.from({ length: 10 }, () => dial(ops?.port ?? 0)));
    for (const client of clients) client.pause().write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    // The test runner opens and closes one or two of its own meanwhile.
    await until(() => countDescriptors() >= before + 15, { what: "both ends of ten connections" });
    await until(() => countDescriptors() <= before + 12, { what: "the clients' ends alone", timeoutMs: 15_000 });
    for (const client of clients) client.destroy();
  });

  test.each([
    ["127.0.0.1", "127.0.0.2"],
    ["127.0.0.2", "127.0.0.1"],
  ])("listens on %s alone when that is its host, and the panels are told so", async (opsHost, other) => {
    rig = await openRig({ opsHost });
    const port = rig.proxy.opsPort;
    expect([await isHealthy(opsHost, port), await isHealthy(other, port)]).toEqual([true, false]);
    const { rows } = await rig.fixtures.pool.query("SELECT ops_url FROM gateway");
    expect(rows).toEqual([{ ops_url: `http://${opsHost}:${port}` }]);
  });

  test("names the public host to the panels when it listens on every address", async () => {
    rig = await openRig({ opsHost: "0.0.0.0" });
    const port = rig.proxy.opsPort;
    expect([await isHealthy("127.0.0.1", port), await isHealthy("127.0.0.2", port)]).toEqual([true, true]);
    const { rows } = await rig.fixtures.pool.query("SELECT ops_url FROM gateway");
    expect(rows).toEqual([{ ops_url: `http://127.0.0.1:${port}` }]);
  });
});

const countDescriptors = (): number => readdirSync("/proc/self/fd").length;
