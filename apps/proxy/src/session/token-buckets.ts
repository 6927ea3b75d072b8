/**
 * Token buckets by key: so many at once, refilled evenly.
 *
 * A key that nobody has used long enough is full again and costs nothing: it is dropped. When `keysMax` is reached the
 * oldest key is forgotten, which can only be generous to it.
 */
export interface TokenBuckets {
  /** Takes one token; false when there is none. */
  take(key: string): boolean;
  /** Takes so many, also such as are not there: they are missing afterwards. */
  spend(key: string, tokens: number): void;
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

  function keep(key: string, bucket: Bucket): void {
    buckets.delete(key);
    buckets.set(key, bucket);
    if (buckets.size <= options.keysMax) return;
    for (const oldest of buckets.keys()) {
      buckets.delete(oldest);
      return;
    }
  }

  return {
    take(key) {
      const bucket = refilled(key);
      const isGranted = bucket.tokens >= 1;
      if (isGranted) bucket.tokens -= 1;
      keep(key, bucket);
      return isGranted;
    },
    spend(key, tokens) {
      const bucket = refilled(key);
      bucket.tokens -= tokens;
      keep(key, bucket);
    },
    has(key) {
      return refilled(key).tokens >= 1;
    },
    get size() {
      return buckets.size;
    },
  };
}
