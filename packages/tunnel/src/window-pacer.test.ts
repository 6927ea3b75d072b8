import { describe, expect, test } from "vitest";
import { defaultLimits } from "./limits.ts";
import { WindowPacer } from "./window-pacer.ts";

const kb = 1_024;
const mb = 1_024 * kb;

interface Line {
  /** What the line carries at most, bytes a millisecond. */
  readonly rate: number;
  readonly rttMs: number;
  readonly streams?: number;
}

/**
 * One stream, or several alike, on a line that is modelled: what is under way beyond what the line holds waits in its queue.
 * A sample is taken every round trip, but not more often than every 100 ms.
 */
class ModelLine {
  readonly pacer = new WindowPacer(defaultLimits);
  windowBytes = 64 * kb;
  queueMs = 0;
  line: Line;

  constructor(line: Line) {
    this.line = line;
    this.pacer.sample({ rttMs: line.rttMs, bytes: 0, intervalMs: line.rttMs, gapMs: 0, busyStreams: 0 });
  }

  turn(): void {
    const { rate, rttMs, streams = 1 } = this.line;
    const underWay = this.windowBytes * streams;
    this.queueMs = Math.max(0, underWay / rate - rttMs);
    const sampleRttMs = rttMs + this.queueMs;
    const intervalMs = Math.max(100, sampleRttMs);
    const bytes = Math.min(rate, underWay / rttMs) * intervalMs;
    this.pacer.sample({ rttMs: sampleRttMs, bytes, intervalMs, gapMs: 0, busyStreams: streams });
    this.windowBytes = this.pacer.nextWindow(this.windowBytes);
  }

  turns(count: number): this {
    for (let turn = 0; turn < count; turn += 1) this.turn();
    return this;
  }
}

/** A phone's uplink of 20 Mbit/s. */
const narrow: Line = { rate: 2_500, rttMs: 50 };

describe("the window pacer", () => {
  test("leaves a stream as it is that is not measured and uses nothing", () => {
    const pacer = new WindowPacer(defaultLimits);
    pacer.sample({ rttMs: 50, bytes: 400, intervalMs: 50, gapMs: 0, busyStreams: 0 });
    expect(pacer.nextWindow(64 * kb)).toBe(64 * kb);
    pacer.sample({ rttMs: 50, bytes: 400, intervalMs: 50, gapMs: 0, busyStreams: 0 });
    expect(pacer.nextWindow(64 * kb)).toBe(64 * kb);
  });

  test("grows a window by what was used up before the first round trip is measured", () => {
    const pacer = new WindowPacer(defaultLimits);
    expect(pacer.nextWindow(64 * kb)).toBe(96 * kb);
    expect(pacer.nextWindow(4 * mb)).toBe(4 * mb);
  });

  test("at least doubles the window with every sample while the line carries more", () => {
    const line = new ModelLine({ rate: 50_000, rttMs: 100 });
    for (let before = line.windowBytes; line.windowBytes < 2 * mb; before = line.windowBytes) {
      line.turn();
      expect(line.windowBytes).toBeGreaterThanOrEqual(2 * before);
    }
  });

  test("keeps a narrow line full, and its queue under 110 ms when it has settled", () => {
    for (const streams of [1, 4, 8]) {
      const line = new ModelLine({ ...narrow, streams }).turns(20);
      for (let turn = 0; turn < 200; turn += 1) {
        line.turn();
        expect(line.queueMs).toBeLessThan(110);
        // A drain, every ten seconds at most, goes below what the line holds for some round trips.
        if (turn % 50 === 0) expect(line.windowBytes * streams).toBeGreaterThan(0.7 * narrow.rate * narrow.rttMs);
      }
    }
  });

  test("shrinks no window while there is no queue, however little comes", () => {
    const line = new ModelLine({ rate: 50_000, rttMs: 100 }).turns(10);
    const grown = line.windowBytes;
    line.line = { rate: 50_000, rttMs: 100, streams: 1 };
    for (let turn = 0; turn < 20; turn += 1) {
      line.pacer.sample({ rttMs: 100, bytes: 2_000, intervalMs: 100, gapMs: 0, busyStreams: 1 });
    }
    expect(line.pacer.nextWindow(grown)).toBe(grown);
  });

  test("takes a queue back within a second when the line has become narrower", () => {
    const line = new ModelLine({ rate: 20_000, rttMs: 50 }).turns(20);
    line.line = narrow;
    line.turns(30);
    expect(line.queueMs).toBeLessThan(100);
  });

  test("lets a line that loses packets have several times what it holds, since nothing arrives while a loss is repaired", () => {
    const pacer = new WindowPacer(defaultLimits);
    let windowBytes = 64 * kb;
    for (let turn = 0; turn < 60; turn += 1) {
      // Two of three round trips wait for a packet to be sent again.
      const rttMs = turn % 3 === 0 ? 300 : 600;
      pacer.sample({ rttMs, bytes: 400 * rttMs, intervalMs: rttMs, gapMs: 300, busyStreams: 1 });
      windowBytes = pacer.nextWindow(windowBytes);
    }
    expect(windowBytes).toBeGreaterThanOrEqual(4 * 400 * 300);
  });

  test("takes the slack back when payload comes without gaps again", () => {
    const pacer = new WindowPacer(defaultLimits);
    const sample = (rttMs: number, gapMs: number): void =>
      pacer.sample({ rttMs, bytes: 400 * rttMs, intervalMs: rttMs, gapMs, busyStreams: 1 });
    for (let turn = 0; turn < 60; turn += 1) sample(turn % 3 === 0 ? 300 : 600, 300);
    for (let turn = 0; turn < 20; turn += 1) sample(390, 5);
    expect(pacer.nextWindow(1_000_000)).toBe(400 * (300 + 1.2 * 300));
  });

  test("finds the round trip of a line that has become longer", () => {
    const line = new ModelLine(narrow).turns(20);
    line.line = { rate: 2_500, rttMs: 400 };
    line.turns(80);
    expect(line.windowBytes).toBeGreaterThan(2_500 * 400);
    expect(line.queueMs).toBeLessThan(4 * 400);
  });

  test("gives back what it took from a short line when it measured the round trip while a queue stood", () => {
    const line = new ModelLine(narrow).turns(400);
    expect(line.queueMs).toBeLessThan(100);
    expect(line.windowBytes).toBeLessThan(3 * 2_500 * 50);
  });

  test("never exceeds 4 MB for one stream, nor for the busy streams together, nor goes below 32 KB", () => {
    const fast: Line = { rate: 500_000, rttMs: 5 };
    expect(new ModelLine(fast).turns(30).windowBytes).toBe(4 * mb);
    expect(new ModelLine({ ...fast, streams: 16 }).turns(30).windowBytes).toBe(256 * kb);
    expect(new ModelLine({ ...fast, streams: 1_000 }).turns(30).windowBytes).toBe(32 * kb);
    expect(new ModelLine({ rate: 100, rttMs: 50 }).turns(60).windowBytes).toBe(32 * kb);
  });

  test("shows a queue of more than 30 ms at once", () => {
    const pacer = new WindowPacer(defaultLimits);
    const queueAfter = (rttMs: number): boolean => {
      pacer.sample({ rttMs, bytes: 0, intervalMs: rttMs, gapMs: 0, busyStreams: 0 });
      return pacer.hasQueue;
    };
    expect([50, 79, 81, 60].map(queueAfter)).toEqual([false, false, true, false]);
  });
});
