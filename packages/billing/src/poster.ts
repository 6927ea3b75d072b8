import type { Clock } from "./clock.ts";
import { recordBatch } from "./record-batch.ts";
import type { UsageBatch, UsageLedger, UsageReceipt } from "./usage.ts";

const retryMsMin = 500;
const retryMsMax = 10_000;

export interface FlushFailure {
  readonly cause: unknown;
  readonly batch: UsageBatch;
  /** Tries of this batch so far; 0 when a callback of the caller threw. */
  readonly attempts: number;
  readonly retryInMs: number;
}

export interface PosterOptions {
  readonly ledger: UsageLedger;
  readonly clock: Clock;
  /** In order; a batch leaves when the ledger has acknowledged it. */
  readonly waiting: UsageBatch[];
  readonly onPosted: (batch: UsageBatch, receipt: UsageReceipt) => void;
  readonly onFailure: (failure: FlushFailure) => void;
}

export interface Poster {
  /** Posts what waits. Never rejects; every caller shares the round that is under way. */
  post(): Promise<void>;
  /** From now on tries follow each other closely, and none begins after `atMs`. */
  giveUpAt(atMs: number): void;
  readonly lastCause: unknown;
}

/** Posts batches one after the other, each until it is acknowledged. */
export function createPoster({ ledger, clock, waiting, onPosted, onFailure }: PosterOptions): Poster {
  let round: Promise<void> | null = null;
  let wake: (() => void) | null = null;
  let limitMs: number | null = null;
  let lastCause: unknown;

  /** The round ends in the same turn in which it finds nothing more to post: a batch that comes later starts its own. */
  async function postAll(): Promise<void> {
    try {
      await postInOrder();
    } finally {
      round = null;
    }
  }

  async function postInOrder(): Promise<void> {
    let attempts = 0;
    for (let batch = waiting[0]; batch !== undefined; batch = waiting[0]) {
      const receipt = await tryToPost(batch);
      if (receipt !== null) {
        waiting.shift();
        attempts = 0;
        onPosted(batch, receipt);
        continue;
      }
      attempts += 1;
      const retryInMs = limitMs === null ? Math.min(retryMsMin * 2 ** Math.min(attempts - 1, 10), retryMsMax) : retryMsMin;
      onFailure({ cause: lastCause, batch, attempts, retryInMs });
      if (limitMs !== null && clock.nowMs() + retryInMs > limitMs) return;
      await sleep(retryInMs);
    }
  }

  async function tryToPost(batch: UsageBatch): Promise<UsageReceipt | null> {
    try {
      return await recordBatch(ledger, batch);
    } catch (cause) {
      lastCause = cause;
      return null;
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resume) => {
      const stop = clock.setTimer(ms, resume);
      wake = () => {
        stop();
        resume();
      };
    });
  }

  return {
    post() {
      if (waiting.length === 0) return Promise.resolve();
      round ??= postAll();
      return round;
    },
    giveUpAt(atMs) {
      limitMs = atMs;
      wake?.();
    },
    get lastCause() {
      return lastCause;
    },
  };
}
