import { createFakeClock, type FakeClock } from "@karvon/testkit";
import { describe, expect, test } from "vitest";
import { startFlusher, type FlushFailure, type UsageBatch, type UsageLedger, type UsageReceipt, type UsageSample } from "./index.ts";

const opened = Date.UTC(2026, 0, 1);

function counter(id: string, upBytes: number) {
  return { id, openedAtMs: opened, upBytes, downBytes: 0 };
}

/** Charges growth like the real ledger: by batch name once, by cumulative counters. */
class RememberingLedger implements UsageLedger {
  readonly names = new Set<string>();
  readonly received: UsageBatch[] = [];
  readonly totals = new Map<string, number>();
  chargedBytes = 0;
  failBefore = 0;
  failAfter = 0;
  hold: Promise<void> | null = null;

  async recordUsage(batch: UsageBatch): Promise<UsageReceipt> {
    this.received.push(batch);
    if (this.hold !== null) await this.hold;
    if (this.failBefore > 0) {
      this.failBefore -= 1;
      throw new Error("connection refused");
    }
    const name = `${batch.gatewayId} ${batch.epoch} ${batch.seq}`;
    const duplicate = this.names.has(name);
    let postedBytes = 0;
    for (const { id, upBytes } of duplicate ? [] : batch.counters) {
      const growth = Math.max(0, upBytes - (this.totals.get(id) ?? 0));
      this.totals.set(id, (this.totals.get(id) ?? 0) + growth);
      postedBytes += growth;
    }
    this.names.add(name);
    this.chargedBytes += postedBytes;
    if (this.failAfter > 0) {
      this.failAfter -= 1;
      throw new Error("connection lost");
    }
    return { balances: [], postedBytes: BigInt(postedBytes), duplicate, unknownSessionIds: [] };
  }
}

/** One session whose counter the test raises; handed over only when it grew. */
function createRadar() {
  let total = 0;
  let reported = 0;
  return {
    carry: (bytes: number) => (total += bytes),
    collect(): UsageSample | null {
      if (total === reported) return null;
      reported = total;
      return { opened: [], counters: [counter("ses_a", total)] };
    },
  };
}

function start(options: { readonly clock?: FakeClock; readonly collect?: () => UsageSample | null } = {}) {
  const clock = options.clock ?? createFakeClock(opened);
  const ledger = new RememberingLedger();
  const radar = createRadar();
  const posted: UsageReceipt[] = [];
  const failures: FlushFailure[] = [];
  const flusher = startFlusher({
    ledger,
    gatewayId: "gwy_a",
    epoch: 7n,
    clock,
    intervalMs: 5_000,
    collect: options.collect ?? radar.collect,
    onPosted: (_batch, receipt) => posted.push(receipt),
    onFailure: (failure) => failures.push(failure),
  });
  return { clock, ledger, radar, posted, failures, flusher };
}

describe("flusher", () => {
  test("posts what moved every interval, numbered without gaps, and nothing when nothing moved", async () => {
    const { clock, ledger, radar } = start();
    radar.carry(100);
    await clock.advance(5_000);
    await clock.advance(10_000);
    radar.carry(50);
    await clock.advance(5_000);
    expect(ledger.received.map(({ seq, counters }) => [seq, counters[0]?.upBytes])).toEqual([
      [1n, 100],
      [2n, 150],
    ]);
  });

  test("sends the same batch again, unchanged, before a newer one when the database fails before the commit", async () => {
    const { clock, ledger, radar, failures } = start();
    ledger.failBefore = 3;
    radar.carry(100);
    await clock.advance(5_000);
    radar.carry(900);
    await clock.advance(60_000);
    const [first, ...rest] = ledger.received;
    expect(rest.slice(0, 3)).toEqual([first, first, first]);
    expect(ledger.received.map(({ seq }) => seq)).toEqual([1n, 1n, 1n, 1n, 2n]);
    expect(failures.map(({ attempts, retryInMs }) => [attempts, retryInMs])).toEqual([
      [1, 500],
      [2, 1_000],
      [3, 2_000],
    ]);
    expect(ledger.chargedBytes).toBe(1_000);
  });

  test("charges nothing twice when the database fails after the commit", async () => {
    const { clock, ledger, radar, posted } = start();
    ledger.failAfter = 2;
    radar.carry(100);
    await clock.advance(20_000);
    expect(ledger.chargedBytes).toBe(100);
    expect(posted).toEqual([{ balances: [], postedBytes: 0n, duplicate: true, unknownSessionIds: [] }]);
  });

  test("keeps one batch in flight however slow the ledger is", async () => {
    const { clock, ledger, radar } = start();
    let release: () => void = () => undefined;
    ledger.hold = new Promise((resume) => (release = resume));
    radar.carry(1);
    await clock.advance(5_000);
    radar.carry(1);
    await clock.advance(30_000);
    expect(ledger.received).toHaveLength(1);
    release();
    await clock.advance(5_000);
    expect(ledger.received.map(({ seq }) => seq)).toEqual([1n, 2n]);
    expect(ledger.chargedBytes).toBe(2);
  });

  test("cuts the intervals at the full hour, and gives each hour its own bytes", async () => {
    const clock = createFakeClock(Date.UTC(2026, 0, 1, 12, 59, 57));
    const { ledger, radar } = start({ clock });
    radar.carry(10);
    await clock.advance(3_000);
    radar.carry(20);
    await clock.advance(5_000);
    expect(ledger.received.map(({ sampledAtMs, counters }) => [new Date(sampledAtMs).toISOString(), counters[0]?.upBytes])).toEqual([
      ["2026-01-01T12:59:59.999Z", 10],
      ["2026-01-01T13:00:05.000Z", 30],
    ]);
  });

  test("still takes the snapshot of the full hour while the ledger is away", async () => {
    const clock = createFakeClock(Date.UTC(2026, 0, 1, 12, 59, 50));
    const { ledger, radar } = start({ clock });
    ledger.failBefore = 8;
    radar.carry(10);
    await clock.advance(5_000);
    radar.carry(20);
    await clock.advance(5_000);
    radar.carry(30);
    await clock.advance(60_000);
    const last = new Map(ledger.received.map((batch) => [batch.seq, batch]));
    expect([...last.values()].map(({ sampledAtMs, counters }) => [new Date(sampledAtMs).getUTCHours(), counters[0]?.upBytes])).toEqual([
      [12, 10],
      [12, 30],
      [13, 60],
    ]);
    expect(ledger.chargedBytes).toBe(60);
  });

  test("holds at most 24 hourly batches through an outage of two days and loses nothing", async () => {
    const { clock, ledger, radar, flusher } = start();
    ledger.failBefore = Number.POSITIVE_INFINITY;
    for (let hour = 0; hour < 48; hour += 1) {
      radar.carry(1_000);
      await clock.advance(3_600_000);
    }
    expect(flusher.lagMs).toBeGreaterThan(47 * 3_600_000);
    ledger.failBefore = 0;
    await clock.advance(60_000);
    expect(flusher.lagMs).toBe(0);
    expect(ledger.chargedBytes).toBe(48_000);
    expect(ledger.names.size).toBeLessThanOrEqual(26);
  }, 30_000);

  test("posts the last growth when it closes, and rejects when that fails for ten seconds", async () => {
    const good = start();
    good.radar.carry(5);
    await good.flusher.close();
    expect(good.ledger.chargedBytes).toBe(5);

    const bad = start();
    bad.ledger.failBefore = Number.POSITIVE_INFINITY;
    bad.radar.carry(5);
    const closed = expect(bad.flusher.close()).rejects.toThrow("1 usage batches could not be posted");
    await bad.clock.advance(11_000);
    await closed;
    expect(bad.ledger.received.length).toBeGreaterThan(10);
  });

  test("closing ends a long wait between two tries at once", async () => {
    const { clock, ledger, radar, flusher } = start();
    ledger.failBefore = 6;
    radar.carry(5);
    await clock.advance(5_000 + 500 + 1_000 + 2_000 + 4_000 + 8_000 + 1);
    expect(ledger.received).toHaveLength(6);
    await flusher.close();
    expect(ledger.chargedBytes).toBe(5);
  });

  test("answers flushNow when everything collected so far is posted", async () => {
    const { ledger, radar, flusher } = start();
    radar.carry(5);
    await flusher.flushNow();
    radar.carry(6);
    await Promise.all([flusher.flushNow(), flusher.flushNow()]);
    expect(ledger.chargedBytes).toBe(11);
  });

  test("posts what was recovered first, in its own hour, and says when the ledger has all of it", async () => {
    const clock = createFakeClock(opened);
    const ledger = new RememberingLedger();
    const radar = createRadar();
    const told: string[] = [];
    const recovered = [1, 2].map((number) => ({
      sampledAtMs: opened - number * 7_200_000,
      sample: { opened: [], counters: [counter(`ses_dead${number}`, number)] },
    }));
    const flusher = startFlusher({
      ledger,
      gatewayId: "gwy_a",
      epoch: 7n,
      clock,
      intervalMs: 5_000,
      collect: radar.collect,
      recovered,
      onPosted: (batch) => told.push(String(batch.seq)),
      onRecovered: () => told.push("recovered"),
    });
    radar.carry(100);
    ledger.failAfter = 1;
    const flushed = flusher.flushNow();
    await clock.advance(5_000);
    await flushed;
    expect(told).toEqual(["1", "2", "recovered", "3"]);
    expect(ledger.received.map(({ seq, sampledAtMs }) => [seq, opened - sampledAtMs])).toEqual([
      [1n, 7_200_000],
      [1n, 7_200_000],
      [2n, 14_400_000],
      [3n, 0],
    ]);
    expect(ledger.chargedBytes).toBe(103);
  });

  test("goes on when a callback throws", async () => {
    const clock = createFakeClock(opened);
    const ledger = new RememberingLedger();
    let total = 0;
    startFlusher({
      ledger,
      gatewayId: "gwy_a",
      epoch: 7n,
      clock,
      intervalMs: 5_000,
      collect() {
        total += 1;
        if (total === 2) throw new Error("radar is broken");
        return { opened: [], counters: [counter("ses_a", total)] };
      },
      onPosted() {
        throw new Error("listener is broken");
      },
      onFailure() {
        throw new Error("even the failure listener is broken");
      },
    });
    await clock.advance(20_000);
    expect(ledger.received.map(({ seq, counters }) => [seq, counters[0]?.upBytes])).toEqual([
      [1n, 1],
      [2n, 3],
      [3n, 4],
    ]);
  });
});
