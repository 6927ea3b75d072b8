/**
 * How many requests a key may make in a minute: counted in fixed minutes, in memory.
 *
 * Limits: 10,000 keys; then all begin anew.
 */
export interface RequestRates {
  /** False when the key has used up this minute. */
  take(key: string, nowMs: number): boolean;
}

const windowMs = 60_000;
const keysMax = 10_000;

export function createRequestRates(perMinute: number): RequestRates {
  const counts = new Map<string, number>();
  let startedAtMs = 0;
  return {
    take(key, nowMs) {
      if (nowMs - startedAtMs >= windowMs || counts.size >= keysMax) {
        counts.clear();
        startedAtMs = nowMs;
      }
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count <= perMinute;
    },
  };
}
