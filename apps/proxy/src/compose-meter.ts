/** From counted bytes to the ledger: the flusher posts them, the ticker shows them and ends what has run out of balance. */
import { type Flusher, startFlusher } from "@karvon/billing";
import type { Core } from "./compose-core.ts";
import { createTicker, type Ticker } from "./radar/ticker.ts";

export interface Meter {
  readonly flusher: Flusher;
  readonly ticker: Ticker;
  /** Usage waits too long for the ledger. Nobody new is admitted then: what is carried must be billable. */
  readonly isBehind: () => boolean;
}

const flushLagMaxMs = 60_000;
const flushIntervalMsDefault = 5_000;

export function createMeter(core: Core): Meter {
  const { options, sessions, accounts, quotas, log, gatewayId } = core;
  const flusher = startFlusher({
    ledger: core.database,
    gatewayId,
    epoch: options.identity.epoch,
    collect() {
      // Whoever the ledger has heard of is in the journal too: the next run closes it, however little it moved.
      core.journal.journal?.commit();
      return sessions.collect();
    },
    recovered: core.journal.recovered,
    onRecovered: () => core.journal.forgetRecovered(),
    intervalMs: options.flushIntervalMs ?? flushIntervalMsDefault,
    onPosted(batch, receipt) {
      sessions.posted(batch, receipt);
      for (const id of receipt.deadSessionIds ?? []) {
        log.error({ event: "flush.refused", sessionId: id });
        // What it carries cannot be billed, so it carries nothing more.
        sessions.find(id)?.line.cut("overloaded");
      }
      for (const { clientId, balanceBytes } of receipt.balances) accounts.setBalance(clientId, balanceBytes);
      quotas.reconsider(({ balanceBytes }) => balanceBytes > 0);
      ticker.enforce();
    },
    onFailure: ({ cause, attempts, retryInMs }) => log.warn({ event: "flush.failed", attempts, retryInMs, cause }),
  });
  const ticker = createTicker({
    ...core,
    timeouts: core.load.timeouts,
    countTunnels: () => core.directory.size,
    flushLagMs: () => flusher.lagMs,
    onTick: (tick) => core.state.publish(tick),
  });
  return { flusher, ticker, isBehind: () => flusher.lagMs > flushLagMaxMs };
}
