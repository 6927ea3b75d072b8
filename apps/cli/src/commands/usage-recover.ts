import { recordBatch, splitSample, type UsageLedger } from "@karvon/billing";
import { type DeadJournal, readOrphanJournals } from "@karvon/journal";
import type { Command } from "../command.ts";
import { bytes, table } from "../print.ts";
import { UsageError } from "../usage-error.ts";

interface Recovered {
  readonly gatewayId: string;
  readonly sessions: number;
  readonly journalBytes: number;
  /** What the ledger did not have yet. */
  readonly postedBytes: bigint;
  readonly unknownSessions: readonly string[];
}

export const usageRecoverCommand: Command = {
  name: "usage-recover",
  summary: "post what the journal of a gateway that never comes back still owes",
  usage: "FOLDER",
  options: {},
  words: 1,
  async run(connection, input) {
    const [folder = ""] = input.words;
    const journals = readFolder(folder);
    const recovered = await connection.withLedger(async (ledger) => {
      const all: Recovered[] = [];
      for (const [at, journal] of journals.entries()) all.push(await post(ledger, journal, BigInt(Date.now() + at)));
      return all;
    });
    const text = table(recovered, [
      { title: "GATEWAY", value: ({ gatewayId }) => gatewayId },
      { title: "SESSIONS", value: ({ sessions }) => String(sessions), isNumber: true },
      { title: "IN THE JOURNAL", value: ({ journalBytes }) => bytes(BigInt(journalBytes)), isNumber: true },
      { title: "NEWLY POSTED", value: ({ postedBytes }) => bytes(postedBytes), isNumber: true },
    ]);
    const isWhole = recovered.every(({ unknownSessions }) => unknownSessions.length === 0);
    return { json: recovered, text: `${text}\n\nThe folder is left as it is; posted again it adds nothing.`, exitCode: isWhole ? 0 : 1 };
  },
};

function readFolder(folder: string): DeadJournal[] {
  try {
    return readOrphanJournals(folder).filter(({ sample }) => sample.counters.length > 0);
  } catch (cause) {
    throw new UsageError(`the folder cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Under a name of its own: totals are cumulative, so whatever was posted before costs nothing again. */
async function post(ledger: UsageLedger, journal: DeadJournal, epoch: bigint): Promise<Recovered> {
  const { gatewayId, sample, lastAtMs } = journal;
  let postedBytes = 0n;
  const unknown: string[] = [];
  for (const [at, part] of splitSample(sample).entries()) {
    const receipt = await recordBatch(ledger, { gatewayId, epoch, seq: BigInt(at + 1), sampledAtMs: lastAtMs, ...part });
    postedBytes += receipt.postedBytes;
    unknown.push(...receipt.unknownSessionIds);
  }
  return {
    gatewayId,
    sessions: sample.counters.length,
    journalBytes: journal.bytes,
    postedBytes,
    unknownSessions: unknown,
  };
}
