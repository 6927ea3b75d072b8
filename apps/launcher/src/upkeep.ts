/**
 * What a platform that runs for months needs now and then: the coming months' partitions, made once a day.
 *
 * A day that fails is tried again the next day: migrations make three months ahead, so there is time.
 */
import { ensurePartitions } from "@karvon/db";

const dayMs = 86_400_000;

export interface Upkeep {
  close(): void;
}

export function startUpkeep(databaseUrl: string, say: (text: string) => void): Upkeep {
  const timer = setInterval(() => {
    ensurePartitions(databaseUrl).catch((cause: unknown) => say(`the next months' partitions were not made: ${String(cause)}`));
  }, dayMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
