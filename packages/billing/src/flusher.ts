/**
 * Billing Engine, the when: takes a snapshot of the radar's counters every interval and posts it, once, in order.
 *
 * Promises: nothing that was collected is dropped while the process lives; one batch is in flight at a time; a batch whose
 * outcome is unknown is sent again unchanged, under the same number, before a newer one; a snapshot is taken at every full
 * hour, even while the ledger is away, so that bytes are charged to the hour in which they moved; closing takes a last
 * snapshot and posts everything that waits.
 * It knows no prices, no SQL and no balances, and it never decides that a session must end.
 *
 * Limits: a failed batch is tried again after 0.5 s, doubling to 10 s, for ever; closing gives up after 10 s; 24 batches may
 * wait before hourly snapshots stop (the counters, which are cumulative, then simply grow); 10,000 sessions a batch.
 */
import { systemClock, type Clock } from "./clock.ts";
import { createPoster, type FlushFailure } from "./poster.ts";
import { splitSample } from "./split-sample.ts";
import type { UsageBatch, UsageLedger, UsageReceipt, UsageSample } from "./usage.ts";

const hourMs = 3_600_000;
const closeTimeoutMs = 10_000;
const waitingBatchesMax = 24;

export interface RecoveredUsage {
  /** When its last bytes moved: they belong to that hour. */
  readonly sampledAtMs: number;
  readonly sample: UsageSample;
}

export interface FlusherOptions {
  readonly ledger: UsageLedger;
  readonly gatewayId: string;
  readonly epoch: bigint;
  /**
   * Takes a snapshot: sessions opened since the last snapshot, and the cumulative counters of every session that grew,
   * opened or closed since. Called synchronously, never twice for the same growth; null when nothing moved.
   */
  readonly collect: () => UsageSample | null;
  /** What an earlier process owed when it died. Posted first, in order. */
  readonly recovered?: readonly RecoveredUsage[];
  /** The ledger has all of `recovered`. */
  readonly onRecovered?: () => void;
  readonly clock?: Clock;
  /** 5,000 to 10,000 in production. */
  readonly intervalMs: number;
  readonly onPosted?: (batch: UsageBatch, receipt: UsageReceipt) => void;
  readonly onFailure?: (failure: FlushFailure) => void;
}

export interface Flusher {
  /** Takes a snapshot now and resolves when everything collected so far is posted or `close` gives up. */
  flushNow(): Promise<void>;
  /** Milliseconds since the oldest snapshot that is not posted yet was taken; 0 when nothing waits. */
  readonly lagMs: number;
  /** The last snapshot, then everything that waits, is posted. Rejects when that fails for 10 s. */
  close(): Promise<void>;
}

export function startFlusher(options: FlusherOptions): Flusher {
  const clock = options.clock ?? systemClock;
  const waiting: UsageBatch[] = [];
  const report = reporter(options);
  const { sample, recoveredSeq } = createSampler(options, clock, waiting, report);
  const poster = createPoster({
    ledger: options.ledger,
    clock,
    waiting,
    onPosted: (batch, receipt) =>
      guard(
        () => {
          options.onPosted?.(batch, receipt);
          if (batch.seq === recoveredSeq) options.onRecovered?.();
        },
        (cause) => report({ cause, batch, attempts: 0, retryInMs: 0 }),
      ),
    onFailure: report,
  });
  let stopTimer: (() => void) | null = null;
  let closing: Promise<void> | null = null;

  function schedule(): void {
    const now = clock.nowMs();
    const fullHourMs = nextHour(now);
    stopTimer = clock.setTimer(Math.min(options.intervalMs, fullHourMs - now), () => {
      const isFullHour = clock.nowMs() >= fullHourMs;
      if (waiting.length === 0 || (isFullHour && waiting.length < waitingBatchesMax)) sample();
      void poster.post();
      schedule();
    });
  }

  async function finish(): Promise<void> {
    stopTimer?.();
    sample();
    poster.giveUpAt(clock.nowMs() + closeTimeoutMs);
    await poster.post();
    if (waiting.length > 0)
      throw new Error(`${waiting.length} usage batches could not be posted before closing`, { cause: poster.lastCause });
  }

  schedule();
  return {
    async flushNow() {
      sample();
      await poster.post();
    },
    get lagMs() {
      const [oldest] = waiting;
      return oldest === undefined ? 0 : Math.max(0, clock.nowMs() - oldest.sampledAtMs);
    },
    close() {
      closing ??= finish();
      return closing;
    },
  };
}

interface Sampler {
  /** Takes a snapshot and puts it, cut into numbered batches, at the end of what waits. */
  readonly sample: () => void;
  /** The last batch of what was recovered; 0 when nothing was. */
  readonly recoveredSeq: bigint;
}

/** Puts what was recovered first. */
function createSampler(options: FlusherOptions, clock: Clock, waiting: UsageBatch[], report: (failure: FlushFailure) => void): Sampler {
  let seq = 0n;
  let lastSampleMs = clock.nowMs();
  function put(sampledAtMs: number, usage: UsageSample): void {
    for (const part of splitSample(usage)) {
      seq += 1n;
      waiting.push({ gatewayId: options.gatewayId, epoch: options.epoch, sampledAtMs, seq, ...part });
    }
  }
  function sample(): void {
    const now = clock.nowMs();
    // The bytes since the last snapshot moved in its hour; a timer that comes late must not carry them into the next.
    const sampledAtMs = Math.min(now, nextHour(lastSampleMs) - 1);
    lastSampleMs = now;
    const name = { gatewayId: options.gatewayId, epoch: options.epoch, sampledAtMs };
    const collected = guard(options.collect, (cause) =>
      report({ cause, batch: { ...name, seq: seq + 1n, opened: [], counters: [] }, attempts: 0, retryInMs: options.intervalMs }),
    );
    if (collected !== null) put(sampledAtMs, collected);
  }
  for (const { sampledAtMs, sample: left } of options.recovered ?? []) put(sampledAtMs, left);
  return { sample, recoveredSeq: seq };
}

/** A callback that throws is the caller's mistake; it must not stop the charging. */
function guard<Result>(call: () => Result, onThrow: (cause: unknown) => void): Result | null {
  try {
    return call();
  } catch (cause) {
    onThrow(cause);
    return null;
  }
}

/** Whoever listens for failures may fail itself; then there is nobody left to tell. */
function reporter(options: FlusherOptions): (failure: FlushFailure) => void {
  return (failure) => void guard(() => options.onFailure?.(failure), Boolean);
}

function nextHour(ms: number): number {
  return (Math.floor(ms / hourMs) + 1) * hourMs;
}
