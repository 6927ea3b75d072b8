/** How long plain HTTP waits for whom. Milliseconds, all of them. */
export interface HttpTimeouts {
  /** From the first byte of a head to its last, however many come between. */
  readonly headMs: number;
  /** A client connection between two requests. */
  readonly keepAliveMs: number;
  /** A client that stops in the middle of its own body keeps a slot from others. */
  readonly uploadIdleMs: number;
  /** From the last byte that the target took to its answer's head. */
  readonly responseMs: number;
  /** In an answer's body, until the target sends or the client takes something. */
  readonly answerIdleMs: number;
  /** A session that is kept open for the next request to the same target. */
  readonly restMs: number;
}

export const defaultHttpTimeouts: HttpTimeouts = {
  headMs: 10_000,
  keepAliveMs: 60_000,
  uploadIdleMs: 12_000,
  responseMs: 60_000,
  answerIdleMs: 120_000,
  restMs: 15_000,
};
