import { recordBatch, startFlusher, type UsageBatch } from "@karvon/billing";
import { createFakeClock, isFullTier, printFigure, type FakeClock } from "@karvon/testkit";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { openFaultProxy, type Fault, type FaultProxy } from "../testing/fault-proxy.ts";
import { counterOf, openUsageWorld, sampledAtMs, type UsageWorld } from "../testing/usage-world.ts";
import { openGatewayDatabase, type GatewayDatabase } from "./index.ts";

const [flushesMax, sessionsMax] = isFullTier ? [100, 40] : [6, 6];
/** What every flush suffers before it gets through. */
const faults: readonly Fault[] = ["lose-request", "delay-request", "lose-answer"];

interface Run {
  readonly balances: Record<string, bigint>;
  readonly sessions: unknown[];
  readonly hours: unknown[];
  readonly batches: unknown[];
  readonly faults: Record<string, number>;
}

/** Everything of the books that does not name a row by chance. */
async function readBooks(world: UsageWorld): Promise<Run> {
  const read = async (text: string): Promise<unknown[]> => (await world.fixtures.pool.query(text)).rows;
  return {
    balances: await world.readBalances(),
    sessions: await read(
      "SELECT target_host, up_bytes, down_bytes, due_micro_usd, earned_micro_usd FROM proxy_session ORDER BY target_host",
    ),
    hours: await read("SELECT hour, up_bytes, down_bytes, due_micro_usd, earned_micro_usd FROM usage_hour ORDER BY hour"),
    batches: await read("SELECT epoch, seq, bytes FROM usage_batch ORDER BY seq"),
    faults: await world.readFaults(),
  };
}

interface Posting {
  readonly world: UsageWorld;
  readonly ledger: GatewayDatabase;
  readonly clock: FakeClock;
  /** Called before each flush, and before each try of a batch that failed. */
  readonly onTry: (attempt: number) => void;
}

/** Sessions that grow and are flushed, until each flush is posted. Answers the batches as they were sent. */
async function carryAndPost({ world, ledger, clock, onTry }: Posting): Promise<UsageBatch[]> {
  const sessions = Array.from({ length: sessionsMax }, (_, index) =>
    world.makeFacts({ targetHost: `${String(index).padStart(3, "0")}.example` }),
  );
  const sent: UsageBatch[] = [];
  let round = 0;
  const flusher = startFlusher({
    gatewayId: world.gatewayId,
    epoch: 1n,
    clock,
    // Longer than the run: only the test flushes.
    intervalMs: 3_600_000,
    ledger,
    collect: () => ({
      opened: round === 1 ? sessions : [],
      counters: sessions.map((facts, index) => counterOf(facts, round * 1_000 + index, round * 333_333)),
    }),
    onPosted: (batch) => sent.push(batch),
    onFailure: ({ attempts }) => onTry(attempts),
  });
  for (round = 1; round <= flushesMax; round += 1) {
    onTry(0);
    const flushed = flusher.flushNow().then(() => false);
    for (let isWaiting = true; isWaiting; await clock.advance(1_000)) isWaiting = await Promise.race([flushed, pause(10, true)]);
  }
  await flusher.close();
  return sent;
}

async function sendAgain(ledger: GatewayDatabase, batches: readonly UsageBatch[], proxy: FaultProxy): Promise<number> {
  await proxy.deliverLate();
  // Every report twice more, the newest first, two at a time.
  for (const batch of batches.toReversed()) await Promise.all([recordBatch(ledger, batch), recordBatch(ledger, batch)]);
  return batches.length * 2;
}

test("M04: flushes whose requests and answers are lost, late and repeated leave the ledger of a run without faults", async () => {
  const plain = await openUsageWorld();
  await carryAndPost({ world: plain, ledger: plain.db, clock: createFakeClock(sampledAtMs), onTry: () => undefined });
  const wanted = await readBooks(plain);
  await plain.close();

  const world = await openUsageWorld();
  const proxy = await openFaultProxy(world.url);
  const errors: unknown[] = [];
  const ledger = openGatewayDatabase({ url: proxy.url, poolMax: 1, onError: (cause) => errors.push(cause) });
  await ledger.ping();
  let isConnected = true;
  let next: Fault | undefined;
  const sent = await carryAndPost({
    world,
    // A new connection is made first, so that the fault strikes the report and not the handshake.
    ledger: {
      ...ledger,
      async recordUsage(batch) {
        const fault = next;
        if (!isConnected) await ledger.ping();
        isConnected = true;
        if (fault !== undefined) {
          isConnected = false;
          proxy.arm(fault);
        }
        return ledger.recordUsage(batch);
      },
    },
    clock: createFakeClock(sampledAtMs),
    onTry: (attempt) => (next = faults[attempt]),
  });
  const repeated = await sendAgain(world.db, sent, proxy);
  const books = await readBooks(world);
  const billed = -(books.balances["client_bytes"] ?? 0n);
  printFigure("M04", {
    flushes: flushesMax,
    sessions: sessionsMax,
    faults: proxy.struck,
    repeated,
    bytes: Number(billed),
    doubleBilledBytes: Number(billed + (wanted.balances["client_bytes"] ?? 0n)),
  });
  expect(proxy.struck).toBe(flushesMax * faults.length);
  expect(books).toEqual(wanted);
  expect(books.faults).toEqual({});
  await ledger.close();
  proxy.close();
  await world.close();
}, 120_000);
