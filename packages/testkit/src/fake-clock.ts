/** Time that stands still until the test moves it. Fits the clocks that Karvon's packages take as a parameter. */
export interface FakeClock {
  nowMs(): number;
  setTimer(delayMs: number, run: () => void): () => void;
  /** Moves on, running every timer at its own instant and letting promises settle after each. */
  advance(ms: number): Promise<void>;
}

export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startMs;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  return {
    nowMs: () => now,
    setTimer(delayMs, run) {
      const timer = { atMs: now + Math.max(0, delayMs), run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.atMs);
        next.run();
        await settle();
      }
      now = end;
    },
  };
}

/** One turn of the event loop: every promise that can settle without time has settled after it. */
function settle(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}
