/** Why a gateway is not well, in words for whoever watches it; nothing when it is. The database has two seconds to answer. */
import { setTimeout as pause } from "node:timers/promises";

export interface Condition {
  readonly isStopping: boolean;
  /** Usage waits too long for the ledger. */
  readonly isBehind: boolean;
  /** Why the usage journal takes no new session, or null. */
  readonly journalTrouble: string | null;
  /** Rejects when the database is away. */
  readonly ping: () => Promise<void>;
}

const pingTimeoutMs = 2_000;

export async function findTroubles({ isStopping, isBehind, journalTrouble, ping }: Condition): Promise<string[]> {
  const troubles: string[] = [];
  if (isStopping) troubles.push("stopping");
  if (isBehind) troubles.push("usage waits too long for the ledger");
  if (journalTrouble !== null) troubles.push(journalTrouble);
  const answer = ping().then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([answer, pause(pingTimeoutMs, false, { ref: false })]))) troubles.push("the database does not answer");
  return troubles;
}
