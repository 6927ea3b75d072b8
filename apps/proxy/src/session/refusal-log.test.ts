import { refuse } from "@karvon/domain";
import { createLogger } from "@karvon/telemetry";
import { beforeEach, describe, expect, test } from "vitest";
import { createRefusalLog, type RefusalLog } from "./refusal-log.ts";

let log: RefusalLog;
let made: number;

beforeEach(() => {
  made = 0;
  log = createRefusalLog({
    gatewayId: "gwy_1",
    log: createLogger({ name: "proxy", write: () => undefined }),
    nowMs: () => 0,
    linesPerSecond: 0,
  });
});

function add(count: number): void {
  for (const end = made + count; made < end; made += 1) {
    log.add({
      requestId: `ses_${made}`,
      refusal: refuse("no_exit", "nobody"),
      protocol: "http",
      clientId: null,
      proxyUserId: null,
      targetHost: null,
      targetPort: null,
      clientAddress: "",
    });
  }
}

const ids = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => `ses_${from + at}`);
const take = (): string[] => log.take().map(({ id }) => id);

describe("refusals that wait for the database", () => {
  test("are given in their order, 1,000 at a time, and none twice", () => {
    add(2_500);
    expect([take(), take(), take(), take()]).toEqual([ids(0, 1_000), ids(1_000, 1_000), ids(2_000, 500), []]);
    add(1);
    expect(take()).toEqual(ids(2_500, 1));
    expect(log.dropped).toBe(0);
  });

  test("come back in front when they could not be stored", () => {
    add(1_500);
    const taken = log.take();
    add(10);
    log.restore(taken);
    expect([take(), take()]).toEqual([ids(0, 1_000), ids(1_000, 510)]);
  });

  test("are the newest 10,000; the others are counted as dropped and in the totals", () => {
    add(37_123);
    expect(log.dropped).toBe(27_123);
    expect(log.counts.get("no_exit")).toBe(37_123);
    const kept = Array.from({ length: 11 }, take).flat();
    expect(kept).toEqual(ids(27_123, 10_000));
  });

  test("that come back to a full queue are the ones that go", () => {
    add(1_000);
    const taken = log.take();
    add(10_000);
    log.restore(taken);
    expect(log.dropped).toBe(1_000);
    expect(take()).toEqual(ids(1_000, 1_000));
  });
});
