export interface UntilOptions {
  /** 5,000 when absent. */
  readonly timeoutMs?: number;
  /** 10 when absent. */
  readonly everyMs?: number;
  /** Named in the error. */
  readonly what?: string;
}

/**
 * Asks again until the answer is neither false nor null nor undefined, and returns it. A check that throws counts as "not
 * yet"; its last error becomes the cause when the time is up.
 */
export async function until<Answer>(check: () => Answer | Promise<Answer>, options: UntilOptions = {}): Promise<NonNullable<Answer>> {
  const { timeoutMs = 5_000, everyMs = 10, what = "the condition" } = options;
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await check();
      lastError = undefined;
      if (answer !== false && answer !== null && answer !== undefined) return answer;
    } catch (cause) {
      lastError = cause;
    }
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${timeoutMs} ms`, { cause: lastError });
    await new Promise((resume) => setTimeout(resume, everyMs));
  }
}
