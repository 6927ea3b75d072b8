/**
 * Token buckets by key: so many at once, refilled evenly.
 *
 * A key that nobody has used long enough is full again and costs nothing: it is dropped. When `keysMax` is reached the
 * oldest key is forgotten, which can only be generous to it.
 */
export interface TokenBuckets {
  /** Takes one token; false when there is none. */
  take(key: string): boolean;
  /** Whether a token is there, without taking it. */
  has(key: string): boolean;
  readonly size: number;
}

export interface TokenBucketOptions {
  readonly burst: number;
  readonly perSecond: number;
  readonly keysMax: number;
  readonly nowMs: () => number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export function createTokenBuckets(options: TokenBucketOptions): TokenBuckets {
  const buckets = new Map<string, Bucket>();

  function refilled(key: string): Bucket {
    const nowMs = options.nowMs();
    const bucket = buckets.get(key);
    if (bucket === undefined) return { tokens: options.burst, atMs: nowMs };
    const gained = (Math.max(0, nowMs - bucket.atMs) / 1_000) * options.perSecond;
    bucket.tokens = Math.min(options.burst, bucket.tokens + gained);
    bucket.atMs = nowMs;
    return bucket;
  }

  return {
    take(key) {
      const bucket = refilled(key);
      const isGranted = bucket.tokens >= 1;
      if (isGranted) bucket.tokens -= 1;
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > options.keysMax) {
        for (const oldest of buckets.keys()) {
          buckets.delete(oldest);
          break;
        }
      }
      return isGranted;
    },
    has(key) {
      return refilled(key).tokens >= 1;
    },
    get size() {
      return buckets.size;
    },
  };
}
