import { UsageRefusedError, type UsageBatch, type UsageLedger, type UsageReceipt } from "./usage.ts";

/**
 * Posts one batch. One that the ledger refuses for good is posted apart: without the sessions at fault, which the ledger keeps
 * as dead letters, so that they hold up nobody else's charges. Rejects when the outcome is unknown, or when even that is
 * refused (a gateway that is not registered); the same batch again is then right.
 */
export async function recordBatch(ledger: UsageLedger, batch: UsageBatch): Promise<UsageReceipt> {
  try {
    return await ledger.recordUsage(batch);
  } catch (cause) {
    if (!(cause instanceof UsageRefusedError) || ledger.recordApart === undefined) throw cause;
    return ledger.recordApart(batch);
  }
}
