import { createFakeClock } from "@karvon/testkit";
import { expect, test } from "vitest";
import { startFlusher, UsageRefusedError, type UsageBatch, type UsageReceipt } from "./index.ts";

const openedAtMs = Date.UTC(2026, 0, 1);
const receipt: UsageReceipt = { balances: [], postedBytes: 0n, duplicate: false, unknownSessionIds: [] };

test("a batch that is refused for good is posted apart under the same number, and the next one follows without waiting", async () => {
  const calls: string[] = [];
  let total = 0;
  const flusher = startFlusher({
    gatewayId: "gwy_a",
    epoch: 7n,
    clock: createFakeClock(openedAtMs),
    intervalMs: 5_000,
    collect: () => ({ opened: [], counters: [{ id: "ses_a", openedAtMs, upBytes: (total += 1), downBytes: 0 }] }),
    ledger: {
      recordUsage(batch: UsageBatch) {
        calls.push(`usage ${batch.seq}`);
        return batch.seq === 1n ? Promise.reject(new UsageRefusedError("no such price")) : Promise.resolve(receipt);
      },
      recordApart(batch: UsageBatch) {
        calls.push(`apart ${batch.seq}`);
        return Promise.resolve({ ...receipt, deadSessionIds: ["ses_a"] });
      },
    },
    onPosted: (batch, answer) => calls.push(`posted ${batch.seq} dead ${answer.deadSessionIds?.length ?? 0}`),
  });
  await flusher.flushNow();
  await flusher.flushNow();
  expect(calls).toEqual(["usage 1", "apart 1", "posted 1 dead 1", "usage 2", "posted 2 dead 0"]);
});

test("an answer that is lost while a batch is told apart is asked for again, from the start", async () => {
  const calls: string[] = [];
  const clock = createFakeClock(openedAtMs);
  const flusher = startFlusher({
    gatewayId: "gwy_a",
    epoch: 7n,
    clock,
    intervalMs: 5_000,
    collect: () => ({ opened: [], counters: [{ id: "ses_a", openedAtMs, upBytes: 1, downBytes: 0 }] }),
    ledger: {
      recordUsage() {
        calls.push("usage");
        // The first call apart was committed, so the batch is known.
        return calls.length === 1
          ? Promise.reject(new UsageRefusedError("no such price"))
          : Promise.resolve({ ...receipt, duplicate: true });
      },
      recordApart() {
        calls.push("apart");
        return Promise.reject(new Error("connection lost"));
      },
    },
  });
  const flushed = flusher.flushNow();
  await clock.advance(500);
  await flushed;
  expect(calls).toEqual(["usage", "apart", "usage"]);
});
